import { toDeadline } from "./deadline.ts";
import { toPhysicalId } from "./physical-id.ts";
import type { TaskWork, WorkFailure } from "./task-work.ts";
import { type CustomResourceResponse, toResponse } from "./to-response.ts";
import type { Turn, TurnContext } from "./turn.ts";

/** How work ends. */
export interface WorkEnd {
  readonly status: "SUCCESS" | "FAILED";
  readonly code: string;
  readonly text: string;
  /** `RUN`, or why nothing was run. */
  readonly why?: string;
  readonly exitCode?: number | undefined;
  /** Where nothing was run: what ran last. */
  readonly taskDefinitionArn?: string | undefined;
}

type EndContext = Pick<TurnContext, "work" | "id" | "config" | "deps">;

/** After so long without an answer of AWS work fails. */
const TROUBLE_MS = 5 * 60_000;
const TROUBLE_PAUSE_MS = 10_000;
/** ListTasks shows what was started some seconds later. */
const SOUGHT_FOR_MS = 30_000;

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

/**
 * Ends the work as failed, after its tasks were stopped: also those that a try has started without leaving their ARNs.
 * Whether it is waited for their end is told by `waitMs`.
 */
export function fail(
  context: TurnContext,
  failure: WorkFailure,
  { changes = {}, waitMs }: { readonly changes?: Partial<TaskWork>; readonly waitMs?: number } = {},
): Turn {
  const { taskArns, intendedAt } = { ...context.work, ...changes };
  if (taskArns.length === 0 && intendedAt === undefined) return toFailed(context, failure, changes);
  const until = context.deps.clock.now() + (waitMs ?? (intendedAt === undefined ? 0 : SOUGHT_FOR_MS));
  return { kind: "next", changes: { ...changes, phase: "end", failure, until } };
}

/** Ends the work as failed at once. */
export function toFailed(context: EndContext, failure: WorkFailure, changes: Partial<TaskWork> = {}): Turn {
  const { code, text, exitCode } = failure;
  return finish(context, { status: "FAILED", code, text, exitCode, why: "RUN" }, changes);
}

/** AWS does not serve a call: tried again for five minutes at most, and never past the deadline. */
export function meetTrouble(
  context: TurnContext,
  { code, message, retryable }: { readonly code: string; readonly message: string; readonly retryable: boolean },
): Turn {
  const { work, config, deps } = context;
  const now = deps.clock.now();
  const since = work.troubledSince ?? now;
  const endsAt = Math.min(
    since + TROUBLE_MS,
    config === undefined ? Number.POSITIVE_INFINITY : toDeadline(config, work),
  );
  if (!retryable || now >= endsAt) return fail(context, { code, text: message });
  return { kind: "wait", changes: { troubledSince: since }, afterMs: Math.min(TROUBLE_PAUSE_MS, endsAt - now) };
}
