import { findAwsFault, isDenial, NEW_ROLE_MS } from "@stackyard/aws";
import { type Clock, isStackyardError, type Logger, type Records } from "@stackyard/core";
import type { LogDeps } from "../tail-logs.ts";
import { type DefinitionCache, type EcsDeps, toAwsFailure } from "../task-order.ts";
import { mayRun, type RunFailure, toEnding } from "../task-run.ts";
import type { TaskProperties } from "./parse-properties.ts";
import {
  type CustomResourceResponse,
  type TaskWork,
  toPhysicalId,
  toResponse,
  type WorkProgress,
} from "./work-store.ts";

/** A constructor of an SDK client. */
export type SdkClient<Client> = new (config: never) => Client;

/** The dependencies of the custom resource. */
export interface EcsTaskDeps {
  /** Where requests are remembered. */
  readonly records: Records;
  /** Creates a client of the SDK for a region. Default: the function's own. */
  readonly aws: <Client>(client: SdkClient<Client>, region?: string) => Client;
  readonly clock: Clock;
  /** Sends answers to CloudFormation; the global `fetch` fits. */
  readonly fetch: typeof globalThis.fetch;
  /** Loads a long random text, once, which encrypts the addresses of responses in records. */
  readonly secret: () => Promise<string>;
  /** The state machine that continues long work. */
  readonly stateMachineArn: string;
  /**
   * `taskArn`: the response of a run has the ARN of its first task as physical id, as in earlier versions, for
   * templates that use `Ref` like this; then each run is a replacement. Default: `id`, one stable id per resource.
   */
  readonly physicalId?: "id" | "taskArn";
  /** Address of an AWS emulator, which may receive responses too. Default: none. */
  readonly emulator?: string | undefined;
  /** Default: none. */
  readonly logger?: Logger;
}

/** The context of a turn of the work. */
export interface TurnContext {
  /** As it is now. */
  readonly work: TaskWork;
  /** The physical id, also the `startedBy` of the tasks. */
  readonly id: string;
  readonly config: TaskProperties | undefined;
  /** The cluster; empty if the properties name none. */
  readonly cluster: string;
  /** Of the cluster's region. */
  readonly ecs: EcsDeps;
  readonly logs: LogDeps;
  readonly definitions: DefinitionCache;
  readonly deps: EcsTaskDeps;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Notes progress in the midst of a turn. */
  save(changes: Partial<WorkProgress>): Promise<TaskWork>;
  /** Starts the execution that continues the work, before anything is started that must not be abandoned. */
  handOver(): Promise<void>;
}

/** The result of a turn: continue at once, or after a delay. */
export type Turn =
  | { readonly kind: "next"; readonly changes: Partial<WorkProgress> }
  | { readonly kind: "wait"; readonly changes: Partial<WorkProgress>; readonly afterMs: number };

/** Returns the properties of work that has been decided. */
export function configOf({ config }: Pick<TurnContext, "config">): TaskProperties {
  if (config === undefined) throw new Error("The stored work has invalid properties.");
  return config;
}

/** How work ends. */
export interface WorkEnd {
  readonly status: "SUCCESS" | "FAILED";
  readonly code: string;
  readonly text: string;
  /** `RUN`, or why nothing was run. */
  readonly why?: string;
  readonly exitCode?: string | number | undefined;
  /** If nothing was run: the definition of the last run. */
  readonly taskDefinitionArn?: string | undefined;
}

type EndContext = Pick<TurnContext, "work" | "id" | "config" | "deps">;

/** After so long without an answer of AWS work fails. */
const TROUBLE_MS = 5 * 60_000;
const TROUBLE_PAUSE_MS = 10_000;

/** Ends the work: the answer is noted first, and sent from there. */
export function finish(context: EndContext, end: WorkEnd, changes: Partial<TaskWork> = {}): Turn {
  const response = toEnd({ ...context, work: { ...context.work, ...changes } }, end);
  return { kind: "next", changes: { ...changes, phase: "answer", response } };
}

/** Returns the response for this end of the work. */
export function toEnd({ work, id, config, deps }: EndContext, end: WorkEnd): CustomResourceResponse {
  const { taskArns, request } = work;
  const count = config === undefined ? 0 : config.instances.length || config.count;
  return toResponse(request, {
    status: end.status,
    code: end.code,
    text: end.text,
    physicalResourceId: toPhysicalId(work, { id, mode: deps.physicalId ?? "id", status: end.status }),
    data: {
      Ran: String(taskArns.length > 0),
      Why: end.why ?? "",
      TaskArn: taskArns[0] ?? "",
      TaskArns: taskArns.join(","),
      TaskDefinitionArn: work.taskDefinitionArn ?? end.taskDefinitionArn ?? "",
      Count: String(config?.count === 0 ? 0 : count),
      ExitCode: end.exitCode === undefined ? "" : String(end.exitCode),
      StartedBy: id,
    },
  });
}

/** The failure in a response. */
export type WorkFailure = Pick<RunFailure, "code" | "message">;

/**
 * Ends the work as failed, after its tasks were stopped: also those of a try that did not store their ARNs. `waitMs`
 * sets how long to wait for their end.
 */
export function fail(
  context: TurnContext,
  failure: WorkFailure,
  { changes = {}, waitMs = 0 }: { readonly changes?: Partial<TaskWork>; readonly waitMs?: number } = {},
): Turn {
  const work = { ...context.work, ...changes };
  if (!mayRun(work)) return toFailed(context, failure, changes);
  const ending = toEnding(work, { ...failure, retryable: false }, { now: context.deps.clock.now(), waitMs });
  return { kind: "next", changes: { ...changes, ...ending, phase: "end" } };
}

/** Ends the work as failed immediately. */
export function toFailed(
  context: EndContext,
  { code, message: text }: WorkFailure,
  changes: Partial<TaskWork> = {},
): Turn {
  return finish(context, { status: "FAILED", code, text, why: "RUN" }, changes);
}

/** Returns how long to retry a call that AWS does not serve: for five minutes, and never past the deadline. */
export function toPatience({ work, config, deps }: TurnContext) {
  const now = deps.clock.now();
  const since = work.troubledSince ?? now;
  const deadline = config === undefined ? Number.POSITIVE_INFINITY : toDeadline(config, work);
  return { now, since, until: Math.min(since + TROUBLE_MS, deadline), everyMs: TROUBLE_PAUSE_MS };
}

/** Converts an error of AWS. A denial passes for two minutes, because the role may be new. */
export function toTrouble(
  { work, deps }: Pick<TurnContext, "work" | "deps">,
  error: unknown,
  what: string,
): RunFailure {
  const failure = toAwsFailure(error, what);
  const isNewRole = isDenial(error) && deps.clock.now() < work.receivedAt + NEW_ROLE_MS;
  return isNewRole ? { ...failure, retryable: true } : failure;
}

/** Handles a call that AWS does not serve: retries it within the limit. */
export function meetTrouble(context: TurnContext, { code, message, retryable }: RunFailure): Turn {
  const { now, since, until, everyMs } = toPatience(context);
  if (!retryable || now >= until) return fail(context, { code, message });
  return { kind: "wait", changes: { troubledSince: since }, afterMs: Math.min(everyMs, until - now) };
}

/** Seconds: CloudFormation waits for an hour, or for `ServiceTimeout`, and an answer takes its time. */
const LONGEST = 3_540;
const BEFORE_SERVICE_TIMEOUT = 60;

/**
 * Returns the deadline of the work, counted from the request. Tasks without a wait must at least have been started by
 * then.
 */
export function toDeadline(
  { timeout, serviceTimeout }: Pick<TaskProperties, "timeout" | "serviceTimeout">,
  { receivedAt }: Pick<TaskWork, "receivedAt">,
): number {
  const limits = [LONGEST, timeout === 0 ? LONGEST : timeout];
  if (serviceTimeout !== undefined) limits.push(serviceTimeout - BEFORE_SERVICE_TIMEOUT);
  return receivedAt + Math.max(0, Math.min(...limits)) * 1_000;
}

/** Returns a sentence about a `ServiceTimeout` that leaves no time for the work; empty for another one. */
export function toShortTimeText({ serviceTimeout }: Pick<TaskProperties, "serviceTimeout">): string {
  if (serviceTimeout === undefined || serviceTimeout > 2 * BEFORE_SERVICE_TIMEOUT) return "";
  const reserved = `${BEFORE_SERVICE_TIMEOUT} s of it are for the response`;
  return ` ServiceTimeout is ${serviceTimeout} s, and ${reserved}: raise it.`;
}

/**
 * Returns true for an error of an AWS call, with or without a response. False for our faults, and for cancelled calls.
 */
export function isAwsError(error: unknown): boolean {
  if (typeof error !== "object" || error === null || isStackyardError(error)) return false;
  if ("$metadata" in error || "$fault" in error) return !("name" in error && error.name === "AbortError");
  const { code } = findAwsFault(error);
  return code !== "INTERNAL" && code !== "INTERRUPTED";
}

/** Formats why tasks are stopped, as shown by ECS, with the stack's name. */
export function toStopReason({ request, ending }: Pick<TaskWork, "request" | "ending">): string {
  const { StackId, LogicalResourceId, RequestType } = request;
  const why = ending === undefined ? `${RequestType} of the resource` : ending.code;
  return `Stackyard: ${why} ${LogicalResourceId} of stack ${StackId}`;
}

/** The stored facts about a resource. */
type ResourceMemory =
  /** The task definition that it has run last. */
  | {
      readonly kind: "run";
      /** As the properties name it. */
      readonly taskDefinition: string;
      /** With its revision at that time. */
      readonly taskDefinitionArn: string;
      readonly requestId: string;
      readonly taskArns: readonly string[];
      readonly startedAt: number;
    }
  /** The resource was deleted: earlier requests must not start tasks any more. */
  | { readonly kind: "deleted"; readonly at: number };

/** A run of a resource. */
type RememberedRun = ResourceMemory & { readonly kind: "run" };

type MemoryDeps = Pick<EcsTaskDeps, "records" | "clock">;

/** No request is worked for longer. */
const DELETED_FOR_MS = 2 * 3_600_000;

/** Returns the last known run of a resource; undefined without one. */
export async function findRememberedRun(deps: MemoryDeps, id: string): Promise<RememberedRun | undefined> {
  const { memory } = await load(deps, id);
  return memory?.kind === "run" ? memory : undefined;
}

/** Returns true if the resource was deleted after the instant. */
export async function isDeletedSince(deps: MemoryDeps, id: string, since: number): Promise<boolean> {
  return wasDeleted((await load(deps, id)).memory, since);
}

/**
 * Records a run of a resource. Returns false if it was deleted after the request was received: then the caller must
 * stop everything that it has started.
 */
export async function rememberRun(
  deps: MemoryDeps,
  id: string,
  { receivedAt, ...run }: Omit<RememberedRun, "kind"> & { readonly receivedAt: number },
): Promise<boolean> {
  for (;;) {
    const { memory, version } = await load(deps, id);
    if (wasDeleted(memory, receivedAt)) return false;
    if (await write(deps, id, { version, value: { kind: "run", ...run } })) return true;
  }
}

/** Notes that a resource is deleted. */
export async function rememberDelete(deps: MemoryDeps, id: string): Promise<void> {
  const at = deps.clock.now();
  for (;;) {
    const { version } = await load(deps, id);
    if (await write(deps, id, { version, value: { kind: "deleted", at }, expiresAt: at + DELETED_FOR_MS })) return;
  }
}

function wasDeleted(memory: ResourceMemory | undefined, since: number): boolean {
  return memory?.kind === "deleted" && memory.at > since;
}

async function load({ records, clock }: MemoryDeps, id: string) {
  const record = await records.get(toKey(id), clock.now());
  // Written by this very file.
  const memory = record?.value as ResourceMemory | undefined;
  return { memory, version: record?.version ?? ("absent" as const) };
}

async function write(
  { records, clock }: MemoryDeps,
  id: string,
  input: { readonly version: number | "absent"; readonly value: ResourceMemory; readonly expiresAt?: number },
): Promise<boolean> {
  const { version: expected, ...rest } = input;
  const { kind } = await records.put({ key: toKey(id), expected, now: clock.now(), ...rest });
  return kind === "written";
}

function toKey(id: string): string {
  return `ecs-task/resource/${id}`;
}
