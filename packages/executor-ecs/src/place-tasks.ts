import { failed, running } from "@stackyard/core";
import type { EcsProgress } from "./definition.ts";
import type { EcsCall, EcsStep } from "./ecs-call.ts";
import { beginEnd } from "./end-tasks.ts";
import type { PreparedOrder } from "./prepare-order.ts";
import { type StartResult, startTasks } from "./start-tasks.ts";
import type { TaskOrder } from "./task-order.ts";

const FIRST_POLL_MS = 2_000;
const TRY_EVERY_MS = 10_000;
const MAX_WHY_CHARS = 500;
/** A record of an intent outlives every attempt that could ask for it. */
const INTENT_KEPT_MS = 14 * 24 * 3_600_000;

/** The progress before the first try. */
export function toFirstProgress({ ctx, settings }: EcsCall, { order, taskDefinitionArn }: PreparedOrder): EcsProgress {
  const now = ctx.clock.now();
  return {
    taskArns: [],
    startedAt: now,
    deadline: now + settings.timeoutMs,
    clientToken: order.clientToken,
    taskDefinition: taskDefinitionArn,
    placement: { tries: 1, until: now + settings.placementTimeoutMs },
  };
}

/**
 * One try to start what is missing. A try that is repeated after a crash has the same token and starts nothing twice. While
 * reasons pass and the time for it lasts the step goes on; then what did start is stopped.
 */
export async function placeTasks(call: EcsCall, prepared: PreparedOrder, progress: EcsProgress): Promise<EcsStep> {
  const { ctx } = call;
  const { tries } = progress.placement;
  const clientToken = toToken(progress.clientToken, tries);
  const order: TaskOrder = { ...prepared.order, clientToken, ...(await recordIntent(call, prepared.order, tries)) };
  const result = await startTasks(call.deps, order, progress.taskArns);
  const now = ctx.clock.now();
  const placement = { ...progress.placement, triedAt: now };
  const next: EcsProgress = { ...progress, taskArns: [...result.taskArns], placement };
  if (result.kind === "started") {
    const count = result.taskArns.length;
    const message = `${count} ${count === 1 ? "task" : "tasks"} started.`;
    const placed = { ...next, placement: { ...placement, doneAt: now } };
    return running({ progress: placed, pollAfterMs: FIRST_POLL_MS, message });
  }
  const until = Math.min(progress.placement.until, progress.deadline);
  return isPassing(result) && now < until
    ? tryAgain(call, next, { result, waitMs: Math.min(TRY_EVERY_MS, until - now) })
    : giveUp(call, next, result);
}

type NotStarted = Exclude<StartResult, { kind: "started" }>;

function isPassing(result: NotStarted): boolean {
  return result.kind === "retry" || result.retryable;
}

function tryAgain(
  { ctx }: EcsCall,
  progress: EcsProgress,
  { result, waitMs }: { readonly result: NotStarted; readonly waitMs: number },
): EcsStep {
  // Where ECS did not answer, only the same try with the same token tells what it has done.
  const isSameTry = result.kind === "failed" || result.isSameTry;
  const unanswered = result.kind === "failed" || (result.isSameTry && progress.placement.unanswered === true);
  const tries = progress.placement.tries + (isSameTry ? 0 : 1);
  const message = `${result.kind === "failed" ? "Asks again" : "Waits for room"}: ${result.message}`;
  ctx.report(message);
  const why = result.message.slice(0, MAX_WHY_CHARS);
  const placement = { ...progress.placement, tries, why, unanswered };
  return running({ progress: { ...progress, placement }, pollAfterMs: waitMs, message });
}

function giveUp(call: EcsCall, progress: EcsProgress, result: NotStarted): EcsStep {
  const { kind, code, message } = result;
  const retryable = isPassing(result);
  const unanswered = (kind === "failed" && retryable) || progress.placement.unanswered === true;
  if (result.taskArns.length === 0 && !unanswered) return failed({ code, message, retryable });
  const placement = { ...progress.placement, unanswered };
  return beginEnd(call, { ...progress, placement }, { code, message, retryable });
}

function toToken(base: string, tries: number): string {
  return tries === 1 ? base : `${base.slice(0, 50)}-${tries}`;
}

/** StartTask knows no token: that a try was begun is written down before it, so that a repeat looks before it starts. */
async function recordIntent(
  { ctx }: EcsCall,
  { instances = [] }: TaskOrder,
  tries: number,
): Promise<Pick<TaskOrder, "intendedAt">> {
  if (instances.length === 0) return {};
  const now = ctx.clock.now();
  const key = `ecs-start/${ctx.idempotencyKey}/${tries}`;
  const expiresAt = now + INTENT_KEPT_MS;
  const written = await ctx.records.put({ key, value: { at: now }, expected: "absent", expiresAt, now });
  if (written.kind === "written") return {};
  const value: unknown = written.current?.value;
  const at: unknown = typeof value === "object" && value !== null && "at" in value ? value.at : undefined;
  return { intendedAt: typeof at === "number" ? at : now };
}
