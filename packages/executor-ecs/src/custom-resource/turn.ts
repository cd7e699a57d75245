import type { Clock, Logger, Records } from "@stackyard/core";
import type { LogDeps } from "../tail-logs.ts";
import type { DefinitionCache, EcsDeps } from "../task-order.ts";
import { mayRun, type RunFailure, toEnding } from "../task-run.ts";
import { toPhysicalId } from "./identity.ts";
import type { TaskProperties } from "./parse-properties.ts";
import type { TaskWork, WorkProgress } from "./progress.ts";
import { type CustomResourceResponse, toResponse } from "./response.ts";

/** A constructor of an SDK client. */
export type SdkClient<Client> = new (config: never) => Client;

/** The dependencies of the custom resource. */
export interface EcsTaskDeps {
  /** Where the last run of each resource is remembered, and each request is recorded for people. */
  readonly records: Records;
  /** Creates a client of the SDK for a region. Default: the function's own. */
  readonly aws: <Client>(client: SdkClient<Client>, region?: string) => Client;
  readonly clock: Clock;
  /** Sends answers to CloudFormation; the global `fetch` fits. */
  readonly fetch: typeof globalThis.fetch;
  /** Loads a long random text, once, which encrypts requests in the inputs of executions. */
  readonly secret: () => Promise<string>;
  /** The state machine whose executions hold requests. */
  readonly stateMachineArn: string;
  /**
   * `taskArn`: the response of a run has the ARN of its first task as physical id, for templates that use `Ref` like
   * this; then each run is a replacement. Default: `id`, one stable id per resource.
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
  /** The ECS client of the cluster's region. */
  readonly ecs: EcsDeps;
  readonly logs: LogDeps;
  readonly definitions: DefinitionCache;
  readonly deps: EcsTaskDeps;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** The result of a turn, which the execution stores: continue at once, or after a delay. */
export type Turn =
  | { readonly kind: "next"; readonly changes: Partial<WorkProgress> }
  | { readonly kind: "wait"; readonly changes: Partial<WorkProgress>; readonly afterMs: number };

/** Returns the properties of work that has been decided. */
export function configOf({ config }: Pick<TurnContext, "config">): TaskProperties {
  if (config === undefined) throw new Error("The stored work has invalid properties.");
  return config;
}

/** The ends of work. */
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

/** Ends the work: the response is stored first, and sent from there. */
export function finish(context: EndContext, end: WorkEnd, changes: Partial<WorkProgress> = {}): Turn {
  const response = toEnd({ ...context, work: { ...context.work, ...changes } }, end);
  return { kind: "next", changes: { ...changes, response } };
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
  { changes = {}, waitMs = 0 }: { readonly changes?: Partial<WorkProgress>; readonly waitMs?: number } = {},
): Turn {
  const work = { ...context.work, ...changes };
  if (!mayRun(work) || work.request.RequestType === "Delete") return toFailed(context, failure, changes);
  const ending = toEnding(work, { ...failure, retryable: false }, { now: context.deps.clock.now(), waitMs });
  return { kind: "next", changes: { ...changes, ...ending, phase: "end" } };
}

/** Ends the work as failed immediately. */
export function toFailed(
  context: EndContext,
  { code, message: text }: WorkFailure,
  changes: Partial<WorkProgress> = {},
): Turn {
  const why = context.work.request.RequestType === "Delete" ? "" : "RUN";
  return finish(context, { status: "FAILED", code, text, why }, changes);
}

/** Seconds: CloudFormation waits for an hour, or for `ServiceTimeout`, and an answer takes its time. */
const LONGEST = 3_540;
export const BEFORE_SERVICE_TIMEOUT = 60;

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
