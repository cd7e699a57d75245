import { findAwsFault } from "@stackyard/aws";
import { type Clock, isStackyardError, type Logger, type Records } from "@stackyard/core";
import type { LogDeps } from "../tail-logs.ts";
import type { DefinitionCache, EcsDeps } from "../task-order.ts";
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
  /** A client of the SDK for a region. Without one: the function's own. */
  readonly aws: <Client>(client: SdkClient<Client>, region?: string) => Client;
  readonly clock: Clock;
  /** Sends answers to CloudFormation; the global `fetch` fits. */
  readonly fetch: typeof globalThis.fetch;
  /** A long random text, under which the addresses of answers are hidden in records. Asked for once. */
  readonly secret: () => Promise<string>;
  /** The state machine that continues long work. */
  readonly stateMachineArn: string;
  /**
   * `taskArn`: a run is answered with the ARN of its first task as physical id, as it once was, for templates that use `Ref`
   * so; then each run is a replacement. Default: `id`, one id for the life of the resource.
   */
  readonly physicalId?: "id" | "taskArn";
  /** Default: none. */
  readonly logger?: Logger;
}

/** What a turn of the work is given. */
export interface TurnContext {
  /** As it is now. */
  readonly work: TaskWork;
  /** Physical id, and what the tasks are started by. */
  readonly id: string;
  readonly config: TaskProperties | undefined;
  /** The cluster; empty where the properties name none. */
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

/** The properties of work that has been decided. */
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
  /** Where nothing was run: what ran last. */
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

/** The answer that ends the work so. */
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

/** What an answer says of a failure. */
export type WorkFailure = Pick<RunFailure, "code" | "message">;

/**
 * Ends the work as failed, after its tasks were stopped: also those that a try has started without leaving their ARNs.
 * `waitMs` sets how long to wait for their end.
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

/** Ends the work as failed at once. */
export function toFailed(
  context: EndContext,
  { code, message: text }: WorkFailure,
  changes: Partial<TaskWork> = {},
): Turn {
  return finish(context, { status: "FAILED", code, text, why: "RUN" }, changes);
}

/** Returns how long a call that AWS does not serve is tried again: for five minutes, and never past the deadline. */
export function toPatience({ work, config, deps }: TurnContext) {
  const now = deps.clock.now();
  const since = work.troubledSince ?? now;
  const deadline = config === undefined ? Number.POSITIVE_INFINITY : toDeadline(config, work);
  return { now, since, until: Math.min(since + TROUBLE_MS, deadline), everyMs: TROUBLE_PAUSE_MS };
}

/** AWS does not serve a call: it is tried again while patience lasts. */
export function meetTrouble(context: TurnContext, { code, message, retryable }: RunFailure): Turn {
  const { now, since, until, everyMs } = toPatience(context);
  if (!retryable || now >= until) return fail(context, { code, message });
  return { kind: "wait", changes: { troubledSince: since }, afterMs: Math.min(everyMs, until - now) };
}

/** Seconds: CloudFormation waits for an hour, or for `ServiceTimeout`, and an answer takes its time. */
const LONGEST = 3_540;
const BEFORE_SERVICE_TIMEOUT = 60;

/** When the work must have ended, counted from the request. What is not waited for must at least have been started by then. */
export function toDeadline(
  { timeout, serviceTimeout }: Pick<TaskProperties, "timeout" | "serviceTimeout">,
  { receivedAt }: Pick<TaskWork, "receivedAt">,
): number {
  const limits = [LONGEST, timeout === 0 ? LONGEST : timeout];
  if (serviceTimeout !== undefined) limits.push(serviceTimeout - BEFORE_SERVICE_TIMEOUT);
  return receivedAt + Math.max(0, Math.min(...limits)) * 1_000;
}

/** True for what a call of AWS ended with, answered or not. False for faults of ours, and for what was called off. */
export function isAwsError(error: unknown): boolean {
  if (typeof error !== "object" || error === null || isStackyardError(error)) return false;
  if ("$metadata" in error || "$fault" in error) return !("name" in error && error.name === "AbortError");
  const { code } = findAwsFault(error);
  return code !== "INTERNAL" && code !== "INTERRUPTED";
}

/** Why tasks are stopped, as ECS shows it. It names the stack. */
export function toStopReason({ request, ending }: Pick<TaskWork, "request" | "ending">): string {
  const { StackId, LogicalResourceId, RequestType } = request;
  const why = ending === undefined ? `${RequestType} of the resource` : ending.code;
  return `Stackyard: ${why} ${LogicalResourceId} of stack ${StackId}`;
}

/** What is remembered of a resource. */
type ResourceMemory =
  /** The task definition that it has run last. */
  | {
      readonly kind: "run";
      /** As the properties name it. */
      readonly taskDefinition: string;
      /** With the revision that it meant then. */
      readonly taskDefinitionArn: string;
      readonly requestId: string;
      readonly taskArns: readonly string[];
      readonly startedAt: number;
    }
  /** The resource was deleted: earlier requests must not start tasks any more. */
  | { readonly kind: "deleted"; readonly at: number };

/** A run of a resource. */
type RememberedRun = ResourceMemory & { readonly kind: "run" };

interface MemoryDeps {
  readonly records: Records;
  readonly clock: Clock;
}

/** No request is worked for longer. */
const DELETED_FOR_MS = 2 * 3_600_000;

/** What a resource has run last; undefined: nothing that is known. */
export async function findRememberedRun(deps: MemoryDeps, id: string): Promise<RememberedRun | undefined> {
  const { memory } = await load(deps, id);
  return memory?.kind === "run" ? memory : undefined;
}

/** True when the resource was deleted after the instant. */
export async function isDeletedSince(deps: MemoryDeps, id: string, since: number): Promise<boolean> {
  return wasDeleted((await load(deps, id)).memory, since);
}

/**
 * Records what a resource runs. False: it was deleted after the request was received, so nothing would stop what was started
 * meanwhile but the caller.
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
