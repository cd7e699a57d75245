import { execFile } from "node:child_process";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { createMemoryStore } from "@stackyard/core/engine";
import { createSealer, SEALER } from "@stackyard/core/services";
import { createExecutorContext, createFakeClock } from "@stackyard/core/testing";
import { createTerraformExecutor } from "@stackyard/executor-terraform";
import { withFolder } from "./bench-store.ts";
import { quantile } from "./side-by-side/statistics.ts";

/** What a saved plan costs besides Terraform's own work. */
export interface PlansResult {
  readonly plans: number;
  /** `terraform init` and `terraform plan -out`. */
  readonly bareP50Ms: number;
  /** A task `action: plan`, whose plan is read, counted, sealed and stored. */
  readonly taskP50Ms: number;
}

const toSource = (folder: string): string => `terraform {
  backend "local" { path = "${join(folder, "state.tfstate")}" }
}
resource "terraform_data" "app" {
  count = 20
  input = count.index
}
`;

const run = promisify(execFile);

/** Plans with Terraform alone and as a task, in turn, so that both meet the same machine. Undefined without Terraform. */
export async function measurePlans(plans: number): Promise<PlansResult | undefined> {
  const hasTerraform = await run("terraform", ["version"]).then(
    () => true,
    () => false,
  );
  if (!hasTerraform) return undefined;
  return withFolder(async (folder) => {
    await mkdir(join(folder, "app"));
    await writeFile(join(folder, "app", "main.tf"), toSource(folder));
    const environment = { PATH: process.env["PATH"] ?? "", HOME: folder };
    const deps = { projectDir: folder, dataDir: join(folder, "data"), environment };
    const executor = createTerraformExecutor({ workDir: folder }, deps);
    const bare: number[] = [];
    const tasks: number[] = [];
    for (let plan = 0; plan < plans; plan++) {
      bare.push(await measure(() => planAlone(folder, `bare-${plan}`, environment)));
      tasks.push(
        await measure(async () => {
          const source = { type: "local", location: "app" } as const;
          const step = await executor.start(toContext(), { action: "plan", source, sharedState: "bench" } as never);
          if (step.kind !== "succeeded") throw new Error(JSON.stringify(step));
        }),
      );
    }
    return { plans, bareP50Ms: quantile(bare, 0.5), taskP50Ms: quantile(tasks, 0.5) };
  });
}

function toContext() {
  const sealer = createSealer([new Uint8Array(32)]);
  const { records } = createMemoryStore();
  const service = (key: { readonly name: string }) => (key.name === SEALER.name ? sealer : undefined);
  return { ...createExecutorContext({ clock: createFakeClock() }), records, service: service as never };
}

async function planAlone(folder: string, name: string, env: Readonly<Record<string, string>>): Promise<void> {
  const cwd = join(folder, name);
  await cp(join(folder, "app"), cwd, { recursive: true });
  await run("terraform", ["init", "-input=false", "-no-color"], { cwd, env });
  await run("terraform", ["plan", "-input=false", "-no-color", "-out=saved.tfplan"], { cwd, env });
}

async function measure(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return Math.round(performance.now() - startedAt);
}
