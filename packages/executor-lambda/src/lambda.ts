import {
  defineExecutor,
  type Executor,
  type ExecutorContext,
  type Failed,
  failed,
  findNearestName,
  isStackyardError,
  type Plan,
  type PluginContext,
} from "@stackyard/core";
import { type LambdaConfig, type LambdaOptions, lambdaDefinition } from "./definition.ts";
import { invokeLocally, type LocalFunction, parseFunctionName, parseLocalFunctions } from "./invoke-locally.ts";
import { type FunctionAnswer, findPayloadFault, type InvokeInput, toPayload, toStep } from "./to-step.ts";

/**
 * Creates the executor `lambda`: calls a function with the stack's id and metadata and waits for its response. A name
 * found in `functions` runs on this machine, every other one in AWS. Invoke has no idempotency token and the payload is
 * fixed, so a redelivered attempt may call a function twice. Throws `CONFIG_INVALID`. Fails with the `LAMBDA_…` codes
 * of the README.
 */
export function createLambdaExecutor(
  options: LambdaOptions = {},
  { projectDir = ".", environment = {} }: Partial<Pick<PluginContext, "projectDir" | "environment">> = {},
): Executor {
  const yard: Yard = {
    mode: options.mode,
    functions: parseLocalFunctions(options.functions, { projectDir, environment }),
  };
  return defineExecutor({
    ...lambdaDefinition,
    plan: async (ctx, config): Promise<Plan> => ({ summary: toPlanText(ctx, config, findRoute(yard, config.name)) }),
    async start(ctx, config) {
      if (ctx.cancelling || ctx.signal.aborted) return toNotCalled(config);
      const input = { name: config.name, payload: toPayload(ctx, config) };
      const fault = findPayloadFault(input.name, input.payload);
      if (fault !== undefined) return fault;
      const answer = await invoke(ctx, yard, input);
      return "kind" in answer ? answer : toStep(ctx, answer);
    },
    // A call that runs is ended through `ctx.signal`; this is the attempt that no call of this runner belongs to.
    cancel: async (_ctx, config) => toNotCalled(config),
  });
}

interface Yard {
  readonly mode: LambdaOptions["mode"];
  readonly functions: ReadonlyMap<string, LocalFunction>;
}

/** A local function, `aws`, or undefined for an unknown name. */
type Route = LocalFunction | "aws" | undefined;

function findRoute({ mode, functions }: Yard, name: string): Route {
  if (mode === "aws") return "aws";
  return findFunction(functions, name) ?? (mode === "local" ? undefined : "aws");
}

async function invoke(ctx: ExecutorContext, yard: Yard, input: InvokeInput): Promise<FunctionAnswer | Failed> {
  const route = findRoute(yard, input.name);
  if (route === undefined)
    return toUnknown("LAMBDA_NOT_FOUND", yard, input.name, "local mode calls only local functions.");
  if (route !== "aws") return invokeLocally(ctx, route, input);
  const answer = await invokeDeployed(ctx, yard, input);
  return "kind" in answer ? withServedText(answer, yard, input.name) : answer;
}

/** Invokes a deployed function. Loads the SDK on the first call, so that local functions start without it. */
async function invokeDeployed(ctx: ExecutorContext, yard: Yard, input: InvokeInput): Promise<FunctionAnswer | Failed> {
  const { invokeInAws } = await import("./invoke-in-aws.ts");
  try {
    return await invokeInAws(ctx, input);
  } catch (error) {
    if (!isStackyardError(error, "CONFIG_INVALID")) throw error;
    return toUnknown("LAMBDA_NOT_CONFIGURED", yard, input.name, `AWS is not configured. ${error.message}`);
  }
}

function toNotCalled({ name }: LambdaConfig): Failed {
  const message = `"${name}" was not called: the attempt was cancelled before.`;
  return failed({ code: "LAMBDA_CANCELLED", message, retryable: false });
}

function toUnknown(code: string, { functions }: Yard, name: string, why: string): Failed {
  const message = `The function "${name}" is not served locally, and ${why} ${toServedText(functions, name)}`;
  return failed({ code, message, retryable: false });
}

/** Adds the local functions to a failure: a name that is unknown to AWS is often a misspelled local one. */
function withServedText(failure: Failed, { functions, mode }: Yard, name: string): Failed {
  const helps = failure.code === "LAMBDA_NOT_FOUND" || failure.code === "LAMBDA_ACCESS_DENIED";
  if (!helps || mode === "aws" || functions.size === 0) return failure;
  return { ...failure, message: `${failure.message}\n${toServedText(functions, name)}` };
}

function toPlanText(ctx: ExecutorContext, { name }: LambdaConfig, route: Route): string {
  if (route === undefined) return `The function "${name}" is not served locally: the task would fail.`;
  if (route !== "aws") return `Would run the local function "${route.name}".`;
  return `Would call "${name}" in ${ctx.target ? `${ctx.target.account}, ${ctx.target.region}` : "AWS"}.`;
}

/** Returns a task's local function: by the exact text, else by the name without account, region and alias. */
export function findFunction(functions: ReadonlyMap<string, LocalFunction>, text: string): LocalFunction | undefined {
  return functions.get(text) ?? functions.get(parseFunctionName(text).name);
}

/** Formats the local functions for messages, and which one was probably meant. */
export function toServedText(functions: ReadonlyMap<string, LocalFunction>, text: string): string {
  const names = [...functions.keys()];
  if (names.length === 0) return 'No function is served locally; name some in the option "functions".';
  const nearest = findNearestName(parseFunctionName(text).name, names);
  const list = names.map((name) => `"${name}"`).join(", ");
  return `Served locally: ${list}.${nearest === undefined ? "" : ` Did you mean "${nearest}"?`}`;
}
