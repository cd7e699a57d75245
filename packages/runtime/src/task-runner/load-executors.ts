import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Executor } from "@stackyard/core";
import type { OpenTaskRunnerInput } from "./open-task-runner.ts";
import { tellMissingTerraform } from "./tell-missing-terraform.ts";

type ExecutorsInput = Pick<
  OpenTaskRunnerInput,
  "environment" | "variables" | "telemetry" | "executors" | "terraform" | "lambda"
>;

/** `terraform`, `lambda` and the user's own, by name; the user's win. Throws `CONFIG_INVALID` for options that cannot be. */
export async function loadExecutors(input: ExecutorsInput): Promise<ReadonlyMap<string, Executor>> {
  const { telemetry, executors } = input;
  const all = [...(await loadBuiltIn(input)), ...executors];
  return new Map(all.map((executor) => [executor.name, telemetry.instrumentExecutor(executor)]));
}

async function loadBuiltIn({
  environment: { tasks },
  variables,
  terraform = {},
  lambda = {},
}: ExecutorsInput): Promise<readonly Executor[]> {
  const [{ createTerraformExecutor }, { createLambdaExecutor }] = await Promise.all([
    import("@stackyard/executor-terraform"),
    import("@stackyard/executor-lambda"),
  ]);
  const { dataDir = join(tmpdir(), "stackyard"), isFunction } = tasks;
  const deps = { projectDir: ".", dataDir, environment: variables };
  const ofTerraform = createTerraformExecutor({ ...tasks.terraform, ...terraform }, deps);
  return [isFunction ? tellMissingTerraform(ofTerraform) : ofTerraform, createLambdaExecutor(lambda, deps)];
}
