import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createExecutorContext } from "@stackyard/core/testing";
import terraform from "@stackyard/executor-terraform";
import { withFolder } from "./bench-store.ts";

/** What the executor adds to the calls that a person would make. */
export interface TerraformPlanResult {
  readonly byHandMs: number;
  readonly executorMs: number;
  readonly overheadMs: number;
  readonly rounds: number;
}

const ROUNDS = 7;
const PROGRAM = "terraform";

/** Medians of `init` and `plan` by hand and through the executor, in turn; undefined if terraform is not installed. */
export async function measureTerraformPlan(): Promise<TerraformPlanResult | undefined> {
  if (!hasTerraform()) return undefined;
  return withFolder(async (projectDir) => {
    writeModule(projectDir);
    const context = { projectDir, dataDir: join(projectDir, "data"), environment: process.env };
    const [executor] = terraform.executors({}, context);
    const config = { action: "apply", source: { type: "local", location: "network" } };
    const byHand: number[] = [];
    const ours: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      byHand.push(await timeOf(() => Promise.resolve(planByHand(projectDir))));
      ours.push(await timeOf(() => executor?.plan?.(createExecutorContext(), config as never)));
    }
    const [byHandMs, executorMs] = [median(byHand), median(ours)];
    return { byHandMs, executorMs, overheadMs: executorMs - byHandMs, rounds: ROUNDS };
  });
}

function hasTerraform(): boolean {
  try {
    execFileSync(PROGRAM, ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function writeModule(projectDir: string): void {
  mkdirSync(join(projectDir, "network"));
  writeFileSync(
    join(projectDir, "network", "main.tf"),
    `terraform {
  backend "local" { path = "${join(projectDir, "kept.tfstate")}" }
}
variable "size" { default = 1 }
resource "terraform_data" "app" { input = var.size }
`,
  );
}

function planByHand(projectDir: string): void {
  const cwd = mkdtempSync(join(tmpdir(), "terraform-by-hand-"));
  cpSync(join(projectDir, "network"), cwd, { recursive: true });
  execFileSync(PROGRAM, ["init", "-input=false"], { cwd, stdio: "ignore" });
  execFileSync(PROGRAM, ["plan", "-input=false"], { cwd, stdio: "ignore" });
  rmSync(cwd, { recursive: true });
}

async function timeOf(work: () => Promise<unknown> | undefined): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function median(values: readonly number[]): number {
  return Math.round([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN);
}
