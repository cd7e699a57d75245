import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runnerEnvironment } from "./runner-environment.ts";
import { aContext } from "./testing/a-context.ts";
import { aProject, type TestProject } from "./testing/a-project.ts";
import { hasTerraform, PROGRAM } from "./testing/program.ts";

const ROUNDS = 7;
const LIMIT_MS = 300;

/** What the executor adds to the two calls that a person would make: its own folder, facts, cache and following. */
describe.skipIf(!hasTerraform())("a plan through the executor", () => {
  let project: TestProject;

  beforeEach(() => {
    project = aProject();
    project.write({
      "network/main.tf": `terraform {
  backend "local" { path = "${project.dir}/kept.tfstate" }
}
variable "size" { default = 1 }
resource "terraform_data" "app" { input = var.size }`,
    });
  });
  afterEach(() => project.remove());

  it(`takes less than ${LIMIT_MS} ms longer than init and plan by hand`, async () => {
    const bare: number[] = [];
    const ours: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      bare.push(await timeOf(async () => planByHand(project.dir)));
      ours.push(await timeOf(() => project.plan(aContext({ metadata: { size: 2 } }), {})));
    }

    const overheadMs = median(ours) - median(bare);
    console.info(
      `plan: by hand ${median(bare)} ms, executor ${median(ours)} ms, overhead ${overheadMs} ms (medians of ${ROUNDS})`,
    );
    expect(overheadMs).toBeLessThan(LIMIT_MS);
  });
});

function planByHand(dir: string): void {
  const cwd = mkdtempSync(join(tmpdir(), "terraform-by-hand-"));
  cpSync(join(dir, "network"), cwd, { recursive: true });
  const { PATH, HOME } = runnerEnvironment();
  const env = { PATH, HOME, CHECKPOINT_DISABLE: "1", TF_VAR_size: "2" };
  for (const words of [
    ["init", "-input=false"],
    ["plan", "-input=false"],
  ])
    execFileSync(PROGRAM, words, { cwd, env, stdio: "ignore" });
  rmSync(cwd, { recursive: true });
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return Math.round(performance.now() - startedAt);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
