import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { AwsAccess, SessionOptions } from "@stackyard/aws";
import {
  type Clock,
  defineExecutor,
  type Executor,
  type ExecutorContext,
  type ExecutorsContext,
  formatFaults,
  listSchemaFaults,
  type Plugin,
  type ProvidedService,
  StackyardError,
  type Step,
  succeeded,
} from "@stackyard/core";
import type { EnvironmentVariables } from "@stackyard/core/environment";
import { toTagValue } from "@stackyard/core/services";
import type { LambdaOptions } from "@stackyard/executor-lambda";
import type { TerraformOptions } from "@stackyard/executor-terraform";
import { Type } from "typebox";
import type { AppTelemetry } from "./app.ts";
import type { Environment } from "./environment.ts";
import { createEnvironmentAws } from "./parts.ts";
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
  readonly telemetry: AppTelemetry;
  readonly executors: readonly Executor[];
  readonly plugins: readonly RunnerPlugin[];
  readonly terraform: TerraformOptions | undefined;
  readonly lambda: LambdaOptions | undefined;
}

/**
 * Loads `terraform`, `lambda`, those of plugins and the user's own, by name; later ones win. Throws `CONFIG_INVALID`
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
  } = input;
  const [{ createTerraformExecutor }, { createLambdaExecutor }] = await Promise.all([
    import("@stackyard/executor-terraform"),
    import("@stackyard/executor-lambda"),
  ]);
  const { isFunction } = tasks;
  const ofTerraform = createTerraformExecutor({ ...tasks.terraform, ...terraform }, context);
  return [isFunction ? explainMissingTerraform(ofTerraform) : ofTerraform, createLambdaExecutor(lambda, context)];
}

const ADVICE =
  "This function was created from a zip, which contains no Terraform. Send such tasks to a container (SQS_LONG_TASK_QUEUE_URL), create the function from the runner's image, or add a layer with bin/terraform.";

/**
 * Adds advice to the executor `terraform` in a function: if the program is missing, the failure explains how to install
 * it.
 */
export function explainMissingTerraform(executor: Executor): Executor {
  return { ...executor, start: async (ctx, config) => withAdvice(await executor.start(ctx, config)) };
}

function withAdvice(step: Step): Step {
  if (step.kind !== "failed" || step.code !== "TERRAFORM_NOT_FOUND") return step;
  return { ...step, message: `${step.message} ${ADVICE}` };
}

/** Creates executors that skip all tasks: under every name one that succeeds at once. */
export function createSkippedExecutors(known: ReadonlyMap<string, Executor>): ReadonlyMap<string, Executor> {
  return new SkippedExecutors(known);
}

class SkippedExecutors extends Map<string, Executor> {
  override get(): Executor {
    return SKIPPED;
  }
}

const SKIPPED = defineExecutor({
  name: "skipped",
  config: Type.Unknown(),
  async start(ctx) {
    ctx.report("Not run: SKIP_TASK_EXECUTION is set.");
    return succeeded({});
  },
});

/** Dependencies of tasks' sessions. */
interface TaskSessionsDeps {
  readonly yard: string;
  /** Creates a separate access for each attempt. */
  readonly createAccess: (session: SessionOptions) => AwsAccess;
}

/** Attempts whose sessions are kept: those that are polled get theirs again, without another call of STS. */
const KEPT_ATTEMPTS = 64;

/**
 * Wraps executors so that each attempt assumes roles in a separate session, named and tagged with yard, stack and task.
 * CloudTrail shows them separately, and policies can require the tags. Opt-in, because roles must allow
 * `sts:TagSession`. Costs two STS calls per attempt.
 */
export function tagSessions(
  executors: ReadonlyMap<string, Executor>,
  deps: TaskSessionsDeps,
): ReadonlyMap<string, Executor> {
  const toOwn = createOwnContexts(deps);
  return new Map([...executors].map(([name, executor]) => [name, tag(executor, toOwn)]));
}

function tag(executor: Executor, toOwn: (ctx: ExecutorContext) => ExecutorContext): Executor {
  const { poll, cancel } = executor;
  const polls = poll && {
    poll: (ctx: ExecutorContext, config: never, progress: never) => poll.call(executor, toOwn(ctx), config, progress),
  };
  const cancels = cancel && {
    cancel: (ctx: ExecutorContext, config: never, progress: never) =>
      cancel.call(executor, toOwn(ctx), config, progress),
  };
  return { ...executor, start: (ctx, config) => executor.start(toOwn(ctx), config), ...polls, ...cancels };
}

function createOwnContexts({ yard, createAccess }: TaskSessionsDeps) {
  const kept = new Map<string, AwsAccess>();

  function find(ctx: ExecutorContext): AwsAccess {
    const { id } = ctx.attempt;
    const access = kept.get(id) ?? createAccess(toSession(yard, ctx));
    // The one that was used last is the last to be forgotten.
    kept.delete(id);
    kept.set(id, access);
    const [oldest] = kept.keys();
    if (kept.size > KEPT_ATTEMPTS && oldest !== undefined) kept.delete(oldest);
    return access;
  }

  return (ctx: ExecutorContext): ExecutorContext => {
    const { target } = ctx;
    if (target === undefined) return ctx;
    return {
      ...ctx,
      aws: (client, region) => find(ctx).client(client, region === undefined ? target : { ...target, region }),
      credentials: () => find(ctx).credentials(target),
    };
  };
}

function toSession(yard: string, { stackId, task }: ExecutorContext): SessionOptions {
  const tags = { "stackyard:yard": yard, "stackyard:stack": stackId, "stackyard:task": task };
  const entries = Object.entries(tags).map(([key, value]) => [key, toTagValue(value)] as const);
  return { name: [yard, stackId, task].join("-"), tags: Object.fromEntries(entries) };
}
