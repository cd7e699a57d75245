import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Executor } from "@stackyard/core";
import type { LambdaOptions } from "@stackyard/executor-lambda";
import type { TerraformOptions } from "@stackyard/executor-terraform";
import type { EnvironmentVariables } from "../app.ts";
import type { Environment } from "../environment/parse-environment.ts";
import type { AppTelemetry } from "../telemetry.ts";
import { tellMissingTerraform } from "./tell-missing-terraform.ts";

/** What the executors of a runner are made of. */
export interface ExecutorsInput {
  readonly environment: Environment;
  /** What programs that executors start may see of the runner's environment. */
  readonly variables: EnvironmentVariables;
  readonly telemetry: AppTelemetry;
  readonly executors: readonly Executor[];
  readonly terraform: TerraformOptions | undefined;
  readonly lambda: LambdaOptions | undefined;
}

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
