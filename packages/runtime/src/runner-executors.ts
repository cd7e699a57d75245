import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  type Clock,
  type Executor,
  type ExecutorsContext,
  formatFaults,
  listSchemaFaults,
  type Plugin,
  type ProvidedService,
  StackyardError,
} from "@stackyard/core";
import type { EnvironmentVariables } from "@stackyard/core/environment";
import type { CommandOptions } from "@stackyard/executor-command";
import type { LambdaOptions } from "@stackyard/executor-lambda";
import type { TerraformOptions } from "@stackyard/executor-terraform";
import type { Telemetry } from "@stackyard/telemetry";
import type { Environment } from "./environment.ts";
import { createEnvironmentAws } from "./environment-aws.ts";
import { explainMissingTerraform } from "./explain-missing-terraform.ts";
import { createEnvironmentSecrets } from "./read-aws-secret.ts";

/** A plugin of a runner. */
export interface RunnerPlugin {
  readonly use: Plugin;
  readonly options?: unknown;
}

/** The input of a runner's executors. */
export interface ExecutorsInput {
  readonly environment: Environment;
  /** The variables of the runner's environment that programs of executors may read. */
  readonly variables: EnvironmentVariables;
  readonly telemetry: Telemetry;
  readonly executors: readonly Executor[];
  readonly plugins: readonly RunnerPlugin[];
  readonly terraform: TerraformOptions | undefined;
  readonly lambda: LambdaOptions | undefined;
  readonly command: CommandOptions | undefined;
}

/**
 * Loads those that are built in, those of plugins and the user's own, by name; later ones win. Throws `CONFIG_INVALID`
 * for invalid options.
 */
export async function loadExecutors(input: ExecutorsInput, clock: Clock): Promise<ReadonlyMap<string, Executor>> {
  const { telemetry, executors, plugins } = input;
  const context = toExecutorsContext(input, clock);
  const ofPlugins = plugins.flatMap((plugin) => plugin.use.executors(checkOptions(plugin), context));
  const all = [...(await loadBuiltIn(input, context)), ...ofPlugins, ...executors];
  return new Map(all.map((executor) => [executor.name, telemetry.instrumentExecutor(executor)]));
}

/** Returns what plugins provide to executors. */
export function loadProvided(input: ExecutorsInput, clock: Clock): readonly ProvidedService[] {
  const context = { ...toExecutorsContext(input, clock), clock };
  return input.plugins.flatMap((plugin) => plugin.use.provides?.(checkOptions(plugin), context) ?? []);
}

function toExecutorsContext(input: ExecutorsInput, clock: Clock): ExecutorsContext {
  const { environment, variables, telemetry } = input;
  const { dataDir = join(tmpdir(), "stackyard") } = environment.tasks;
  const { logger } = telemetry;
  const session = { name: `task-runner-${environment.yard}` };
  const toAws = (region: string | undefined) =>
    createEnvironmentAws({ environment: { ...environment, region }, session, clock, logger });
  const readSecret = createEnvironmentSecrets(variables, (path) => resolve(path), toAws);
  return { projectDir: ".", dataDir, environment: variables, readSecret };
}

/** Checks the options of a plugin as the command line does. */
function checkOptions({ use, options = {} }: RunnerPlugin): unknown {
  if (use.options === undefined) return options;
  const faults = formatFaults(listSchemaFaults(use.options, options));
  if (faults.length === 0) return options;
  throw new StackyardError("CONFIG_INVALID", `Options of "${use.name}": ${faults.join(" ")}`);
}

async function loadBuiltIn(input: ExecutorsInput, context: ExecutorsContext): Promise<readonly Executor[]> {
  const {
    environment: { tasks },
    terraform = {},
    lambda = {},
    command = {},
  } = input;
  const [{ createTerraformExecutor }, { createLambdaExecutor }, { createCommandExecutor }, { default: promotion }] =
    await Promise.all([
      import("@stackyard/executor-terraform"),
      import("@stackyard/executor-lambda"),
      import("@stackyard/executor-command"),
      import("@stackyard/promotion"),
    ]);
  const { isFunction } = tasks;
  const ofTerraform = createTerraformExecutor({ ...tasks.terraform, ...terraform }, context);
  return [
    isFunction ? explainMissingTerraform(ofTerraform) : ofTerraform,
    createLambdaExecutor(lambda, context),
    createCommandExecutor(command, context),
    ...promotion.executors({}, context),
  ];
}
