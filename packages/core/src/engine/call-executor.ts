import { hash } from "node:crypto";
import type { TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import { describeThrown, describeValue, isStackyardError, StackyardError } from "../errors/stackyard-error.ts";
import { parseAttemptId, toIdempotencyText } from "../machine/event-message.ts";
import { defined, isMap } from "../machine/json.ts";
import { listSecretRefs, MASK, type ShownMetadata } from "../machine/secrets.ts";
import type { Metadata, MetadataValue } from "../machine/stack.ts";
import type { TaskMessage } from "../machine/task-message.ts";
import type { Clock } from "../ports/clock.ts";
import {
  type AttemptAccess,
  type AwsCredentials,
  type ClientConstructor,
  type Executor,
  type ExecutorContext,
  type Failed,
  failed,
  type Logger,
  type ProvidedService,
  type Running,
  type ServiceKey,
  type Step,
  type Succeeded,
  type Target,
} from "../ports/executor.ts";
import type { Leases, Records } from "../ports/records.ts";
import { within } from "../within.ts";
import { toAttemptPassword } from "./shared-key.ts";

/** Which of an executor's functions is called. */
export type Operation = "start" | "poll" | "cancel";

/** Returns the function that continues an attempt. A cancel is started once; then the work is polled until it ends. */
export function operationOf(kept: KeptProgress | undefined, cancelling: boolean, executor: Executor): Operation {
  const cancels = cancelling && kept?.cancelBegun !== true && executor.cancel !== undefined;
  if (cancels) return "cancel";
  return kept === undefined ? "start" : "poll";
}

/** The operation to call, and its arguments. */
interface ExecutorCall {
  readonly operation: Operation;
  readonly config: unknown;
  /** True if missing values were replaced by `***` in the config, which is then not validated again. Default: false. */
  readonly isMasked?: boolean;
  readonly kept: KeptProgress | undefined;
}

/** Validates config and progress and calls the executor. An error, or an invalid result, becomes a failed step. */
export async function callExecutor(executor: Executor, ctx: ExecutorContext, input: ExecutorCall): Promise<Step> {
  try {
    const fault = findArgumentFault(executor, input);
    if (fault !== undefined) return fault;
    return checkStep(executor, await call(executor, ctx, input));
  } catch (error) {
    return toFailedStep(error);
  }
}

function findArgumentFault(
  executor: Executor,
  { operation, config, isMasked = false, kept }: ExecutorCall,
): Step | undefined {
  const { name } = executor;
  const fault = isMasked ? undefined : findFaults(executor.config, config);
  if (fault !== undefined) {
    return failed({
      code: "CONFIG_INVALID",
      message: `The config does not fit "${name}": ${fault}.`,
      retryable: false,
    });
  }
  if (operation === "start" || kept === undefined) return undefined;
  const outdated = findFaults(executor.progress, kept.progress);
  if (outdated === undefined) return undefined;
  const message = `The stored progress does not match "${name}", possibly after an update of the plugin: ${outdated}.`;
  return failed({ code: "PLUGIN_INVALID", message, retryable: false });
}

async function call(
  executor: Executor,
  ctx: ExecutorContext,
  { operation, config, kept }: ExecutorCall,
): Promise<unknown> {
  // Config and progress were checked against the executor's own schemas.
  const args = [ctx, config as never, kept?.progress as never] as const;
  if (operation === "start") return executor.start(ctx, config as never);
  const run = operation === "poll" ? executor.poll : executor.cancel;
  if (run === undefined) {
    return failed({
      code: "PLUGIN_INVALID",
      message: `The executor "${executor.name}" answered running but has no ${operation}.`,
      retryable: false,
    });
  }
  return run.apply(executor, [...args]);
}

function toFailedStep(error: unknown): Step {
  if (isStackyardError(error)) return failed({ code: error.code, message: error.message, retryable: error.retryable });
  const message = error instanceof Error ? `${error.name}: ${describeThrown(error)}` : describeValue(error);
  return failed({ code: "EXECUTOR_FAILED", message, retryable: true });
}

/** How a runner accesses AWS for a target. Implemented by the package that imports the SDK. */
export interface AwsAccess {
  client<Client>(client: ClientConstructor<Client>, target: Target | undefined): Client;
  credentials(target: Target | undefined): Promise<AwsCredentials>;
}

/** Dependencies that all contexts of a runner share. */
export interface ContextDeps {
  readonly clock: Clock;
  readonly records: Records;
  readonly leases: Leases;
  readonly aws?: AwsAccess;
  readonly services?: readonly ProvidedService[];
}

/** The input that is specific to one call. */
export interface CallInput {
  readonly message: ResolvedMessage;
  /** The sensitive values in the message. Default: none. */
  readonly secrets?: readonly unknown[];
  readonly token: number;
  readonly deadlineAt: number;
  readonly logger: Logger;
  readonly signal: () => AbortSignal;
  readonly cancelling: boolean;
  readonly report: (line: string) => void;
}

/** Creates the context of one call to an executor. */
export function createExecutorContext(deps: ContextDeps, call: CallInput): ExecutorContext {
  const { stack, task, dispatch } = call.message;
  const target = findTarget(call.message);
  return {
    stackId: stack.id,
    machine: stack.machine,
    task: task.name,
    attempt: { id: dispatch.id, number: dispatch.attempt, token: call.token },
    ...defined({ target }),
    metadata: stack.metadata,
    ...defined({ secrets: call.secrets }),
    state: stack._state,
    previousState: stack.previousState,
    // Few executors read these two, and each of them costs more than the rest of the context.
    get idempotencyKey() {
      return toIdempotencyKey(dispatch.id);
    },
    get signal() {
      return call.signal();
    },
    cancelling: call.cancelling,
    deadlineAt: call.deadlineAt,
    logger: call.logger,
    report: call.report,
    clock: deps.clock,
    records: deps.records,
    leases: deps.leases,
    service: <Service>({ name }: ServiceKey<Service>) => {
      const provided = deps.services?.find((service) => service.name === name);
      // `provideService` has checked the type by the same key.
      return provided?.create(toAttemptAccess(deps, call)) as Service | undefined;
    },
    aws: (client, region) => requireAws(deps).client(client, toRegion(target, region)),
    credentials: () => requireAws(deps).credentials(target),
  };
}

/**
 * Returns the idempotency key of an attempt. An id that the engine did not create has no parts. It names one message,
 * which is enough for the key to be unique.
 */
function toIdempotencyKey(attemptId: string): string {
  const parts = parseAttemptId(attemptId);
  // The same as `shortHashOf`, which also runs in a browser, and several times as fast.
  return hash("sha256", parts === undefined ? attemptId : toIdempotencyText(parts), "hex").slice(0, 32);
}

function toAttemptAccess({ records, clock }: ContextDeps, { message, token }: CallInput): AttemptAccess {
  const attemptId = message.dispatch.id;
  return { attemptId, password: () => toAttemptPassword(records, { attemptId, token }, clock.now()) };
}

function toRegion(target: Target | undefined, region: string | undefined): Target | undefined {
  if (region === undefined) return target;
  if (target !== undefined) return { ...target, region };
  throw new StackyardError("CONFIG_INVALID", `The task has no target, so it cannot reach ${region}. Add a target.`);
}

function requireAws({ aws }: ContextDeps): AwsAccess {
  if (aws !== undefined) return aws;
  throw new StackyardError(
    "CONFIG_INVALID",
    "This runner has no access to AWS. Configure AWS access, or run the task locally.",
  );
}

/**
 * Validates an executor's result, which may come from a plugin in plain JavaScript. An invalid one becomes a failed
 * step.
 */
export function checkStep(executor: Executor, answer: unknown): Step {
  if (typeof answer !== "object" || answer === null || !("kind" in answer)) return notAStep(executor, answer);
  // The kind claims one of three types; each part is checked before it is used.
  const step = answer as Step;
  switch (step.kind) {
    case "running":
      return checkRunning(executor, step);
    case "succeeded":
      return checkSucceeded(executor, step);
    case "failed":
      return checkFailed(executor, step);
    default:
      return notAStep(executor, answer);
  }
}

function checkRunning(executor: Executor, step: Running): Step {
  const { name, progress: schema } = executor;
  const { progress, pollAfterMs } = step;
  if (!isLength(pollAfterMs)) {
    return invalidPlugin(
      `"${name}" answered running with pollAfterMs ${describeValue(pollAfterMs)}; give milliseconds.`,
    );
  }
  const fault = findFaults(schema, progress) ?? findJsonFault(progress);
  if (fault !== undefined) return invalidPlugin(`The progress of "${name}" does not fit its schema: ${fault}.`);
  return typeof step.message === "string" ? step : { ...step, message: "" };
}

function checkSucceeded(executor: Executor, step: Succeeded): Step {
  const { name, outputs: schema } = executor;
  const fault = findFaults(schema, step.outputs) ?? findJsonFault(step.outputs);
  if (fault !== undefined) return invalidOutput(`The outputs of "${name}" do not fit its schema: ${fault}.`);
  const { followUp } = step;
  if (followUp === undefined) return step;
  // Null comes from plugins in plain JavaScript.
  const inMs: unknown = (followUp as typeof followUp | null)?.inMs;
  if (isLength(inMs)) return step;
  return invalidOutput(`The follow-up of "${name}" is in ${describeValue(inMs)}; give milliseconds.`);
}

function checkFailed({ name }: Executor, step: Failed): Step {
  if (typeof step.code === "string" && typeof step.message === "string") return step;
  return invalidPlugin(`"${name}" answered failed without a code and a message.`);
}

function notAStep({ name }: Executor, answer: unknown): Step {
  const what = answer === undefined ? "nothing" : typeof answer === "object" ? "an object of no known kind" : "no step";
  return invalidPlugin(`"${name}" answered ${what}. Answer with running(), succeeded() or failed().`);
}

function invalidPlugin(message: string): Step {
  return failed({ code: "PLUGIN_INVALID", message, retryable: false });
}

function invalidOutput(message: string): Step {
  return failed({ code: "OUTPUT_INVALID", message, retryable: false });
}

function isLength(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

/** Returns why a value cannot be stored as JSON: every attempt to store it would fail. */
function findJsonFault(value: unknown): string | undefined {
  try {
    JSON.stringify(value);
    return undefined;
  } catch (error) {
    return `it is no JSON (${describeThrown(error)})`;
  }
}

const compiled = new WeakMap<object, Validator>();
const FAULTS_SHOWN = 5;

/**
 * Returns the faults of a value by JSON pointer, as one sentence; undefined when it is valid. Schemas are compiled
 * once.
 */
export function findFaults(schema: TSchema | undefined, value: unknown): string | undefined {
  if (schema === undefined) return undefined;
  let validator = compiled.get(schema);
  if (validator === undefined) {
    validator = Compile(schema);
    compiled.set(schema, validator);
  }
  if (validator.Check(value)) return undefined;
  const faults = validator.Errors(value).slice(0, FAULTS_SHOWN);
  return faults.map(({ instancePath, message }) => `${instancePath === "" ? "/" : instancePath} ${message}`).join("; ");
}

/** The failure of work that was interrupted at the end of its invocation. */
export const INTERRUPTED: Failed = failed({
  code: "TASK_TIMEOUT",
  message:
    "The task was interrupted: the time of its runner was over. Send tasks that take so long to a runner without an end.",
  retryable: true,
});

/**
 * Returns the result of a call, or `INTERRUPTED` if it has not settled at `overAt`; the call continues. Undefined: no
 * time limit.
 */
export async function callWithin(clock: Clock, overAt: number | undefined, call: Promise<Step>): Promise<Step> {
  if (overAt === undefined) return call;
  return within(call, { clock, ms: overAt - clock.now(), late: () => INTERRUPTED });
}

/** The time limit of one delivery. */
export interface InvocationLimits {
  /** When the process is stopped, in epoch milliseconds: in Lambda the end of the invocation. Default: never. */
  readonly endsAt?: number;
}

/** When an invocation aborts its work, and when it stops waiting for it, in epoch milliseconds. */
export interface InvocationEnd {
  /** When the call of the executor is aborted. */
  readonly stopAt: number;
  /** When the worker stops waiting for the call. The rest of the time is for writing the result. */
  readonly overAt: number;
}

/** The time for an executor to shut down cleanly before the invocation ends; at most a quarter of the invocation. */
const STOP_BEFORE_END_MS = 60_000;
/** The share of that time that is left for writing the result. */
const ANSWER_PART = 1 / 12;

/** Returns the end of an invocation that has just begun; undefined for one without a time limit. */
export function toInvocationEnd({ endsAt }: InvocationLimits, now: number): InvocationEnd | undefined {
  if (endsAt === undefined || endsAt === Number.POSITIVE_INFINITY) return undefined;
  const spareMs = Math.max(0, Math.min(STOP_BEFORE_END_MS, (endsAt - now) / 4));
  return { stopAt: endsAt - spareMs, overAt: endsAt - spareMs * ANSWER_PART };
}

/** A task message whose references were replaced by their values. */
export interface ResolvedMessage extends Omit<TaskMessage, "stack"> {
  readonly stack: Omit<TaskMessage["stack"], "metadata"> & { readonly metadata: Metadata };
}

/** A message for the executor. */
interface ResolvedSecrets {
  /** The message with `***` instead of each missing value. */
  readonly message: ResolvedMessage;
  /** References that have no value. */
  readonly missing: readonly string[];
}

/**
 * Replaces `{"$secret": ref}` by the values of a claim and joins `{"$concat": [...]}`, in the config, the target and
 * the metadata of a message of version 2. Within a `$concat`, strings are inserted unchanged and other values as JSON.
 */
export function resolveSecrets(
  message: TaskMessage,
  secrets: Readonly<Record<string, MetadataValue>>,
): ResolvedSecrets {
  // Messages of version 1 carry values as ever, and their configs may use these keys for something else.
  if (message.dispatch.version !== 2) return { message: message as ResolvedMessage, missing: [] };
  const missing = new Set<string>();
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve);
    if (!isMap(value)) return value;
    const { $secret, $concat } = value;
    if (typeof $secret === "string") return findValue($secret);
    if (Array.isArray($concat)) return $concat.map((part) => toText(resolve(part))).join("");
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner)]));
  };
  const findValue = (ref: string): MetadataValue => {
    if (Object.hasOwn(secrets, ref)) return secrets[ref] ?? null;
    missing.add(ref);
    return MASK;
  };
  const task = { ...message.task, ...(resolve(pickOpen(message)) as Readonly<Record<string, unknown>>) };
  const metadata = resolveMetadata(message.stack.metadata, findValue);
  return { message: { ...message, task, stack: { ...message.stack, metadata } }, missing: [...missing] };
}

/** Returns the failure of a task whose secrets the runner cannot read. */
export function toSecretsNeedStore(refs: readonly string[]): Failed {
  const message = `The sensitive values ${refs.join(", ")} are only in the store, which this runner cannot read.`;
  return failed({ code: "SECRETS_NEED_STORE", message, retryable: false });
}

/** Returns the parts of a task that may contain references. */
function pickOpen({ task }: TaskMessage): Readonly<Record<string, unknown>> {
  return Object.fromEntries(["config", "target"].filter((key) => key in task).map((key) => [key, task[key]]));
}

function resolveMetadata(shown: ShownMetadata, findValue: (ref: string) => MetadataValue): Metadata {
  const values = Object.entries(shown).map(([key, value]) => {
    return [key, typeof value === "object" && value !== null ? findValue(value.$secret) : value] as const;
  });
  return Object.fromEntries(values);
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

const DEFAULT_PARTITION = "aws";

/** Returns the account and region of a task message; undefined for those of the runner. */
export function findTarget({ task }: TaskMessage): Target | undefined {
  const target = task["target"];
  if (!isMap(target)) return undefined;
  const { account, region, role, externalId, partition } = target;
  if (typeof account !== "string" || typeof region !== "string") return undefined;
  return {
    account,
    region,
    partition: typeof partition === "string" ? partition : DEFAULT_PARTITION,
    ...(typeof role === "string" ? { role } : {}),
    ...(typeof externalId === "string" ? { externalId } : {}),
  };
}

/**
 * Returns a failure if the target of a task is incomplete, because the work would run in the wrong account or region.
 */
export function findTargetFault(message: TaskMessage): Failed | undefined {
  if (message.dispatch.version !== 2 || !isMap(message.task["target"]) || findTarget(message)) return undefined;
  const reason = `The target of the task "${message.task.name}" has no account or no region. Set both, or remove the target to use those of the runner.`;
  return failed({ code: "CONFIG_INVALID", message: reason, retryable: false });
}

/**
 * The stored progress of a suspended attempt: that of the executor, whether its cancel was started, and its log so far.
 */
export interface KeptProgress {
  readonly progress: unknown;
  readonly cancelBegun: boolean;
  readonly log?: string;
}

/** Parses the value that was passed to `suspend`; undefined for an attempt that was never suspended. */
export function parseKeptProgress(value: unknown): KeptProgress | undefined {
  if (typeof value !== "object" || value === null || !("progress" in value)) return undefined;
  const cancelBegun = "cancelBegun" in value && value.cancelBegun === true;
  const log = "log" in value && typeof value.log === "string" ? { log: value.log } : {};
  return { progress: value.progress, cancelBegun, ...log };
}

/** The request that a state of a Step Functions execution sends. */
interface StepRequest {
  readonly op: Operation;
  readonly config: unknown;
  /** The progress that the previous step returned. */
  readonly progress?: unknown;
  /** Facts for the executor's context; the app's factory makes the context of them. */
  readonly ctx?: Readonly<Record<string, unknown>>;
}

/** Calls one executor without a yard: the execution that sends the requests is the store. */
export function createStepHandler(
  executor: Executor,
  createContext: (request: StepRequest) => ExecutorContext,
): (request: StepRequest) => Promise<Step> {
  return async (request) => {
    // Sensitive values are in a yard's store, and an execution has no store.
    const refs = listSecretRefs(request.config);
    if (refs.length > 0) return toSecretsNeedStore(refs);
    const kept = request.progress === undefined ? undefined : { progress: request.progress, cancelBegun: false };
    return callExecutor(executor, createContext(request), { operation: request.op, config: request.config, kept });
  };
}
