import { toCancelWithinMs } from "../machine/executor-definition.ts";
import type { TaskMessage } from "../machine/task-message.ts";
import type { Clock } from "../ports/clock.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import type { DeliveryOutcome, TaskDelivery } from "../ports/transport.ts";
import { createMessageAttempts, type MessageAttempts } from "./message-attempts.ts";
import { type InvocationEnd, type InvocationLimits, insist, toInvocationEnd } from "./run-attempt.ts";
import { toTimedOut } from "./to-answer.ts";
import { createWorker, type Worker, type WorkerDeps, type WorkerOptions } from "./worker.ts";

/** What a worker without a store works with. */
export interface MessageWorkerDeps extends Omit<WorkerDeps, "store"> {
  /** Sends answers to the queue of events. */
  readonly publish: (events: readonly QueuedEvent[]) => Promise<void>;
}

/** A worker that works by message alone. */
export interface MessageWorker extends Omit<Worker, "handle"> {
  /** Works a task to its end. `retry`: nothing was answered, and the message must come again. */
  handle(delivery: TaskDelivery, limits?: InvocationLimits): Promise<DeliveryOutcome>;
}

const RETRY_STOPPING = { kind: "retry", reason: "The worker stops." } as const satisfies DeliveryOutcome;
const DONE: DeliveryOutcome = { kind: "done" };

/** Answers that are kept, so that a message that comes again is answered again instead of worked again. */
const KEPT_ANSWERS = 100;

/**
 * A worker for runners that have no store, as the predecessor's: the message's visibility is the lease, which the transport
 * extends; executors are polled here until they end; the answer is an event. Two runners may get one message and both run
 * the task, under the same idempotency key. There are no suspended attempts, no exclusive keys, no cancels, and no
 * sensitive values: a task that needs one fails with `SECRETS_NEED_STORE`.
 */
export function createMessageWorker(deps: MessageWorkerDeps, options: WorkerOptions = {}): MessageWorker {
  const { clock, ids, logger } = deps;
  const publish = (event: QueuedEvent) => deps.publish([event]);
  const attempts = createMessageAttempts({ publish, clock, ids, logger });
  const worker = createWorker({ ...deps, store: attempts }, options);
  const answers = createAnswers();
  const stopping = new AbortController();
  const stepping = { clock, attempts, stopping: stopping.signal };
  return {
    async handle(delivery, limits = {}) {
      if (stopping.signal.aborted) return RETRY_STOPPING;
      const { attemptId, message, deliveries } = delivery;
      const answered = answers.find(attemptId);
      if (answered !== undefined) {
        await insist(clock, () => publish(answered));
        return DONE;
      }
      const end = toEnd(limits, clock.now());
      const stopAt = Math.min(toInstant(message.dispatch.deadline), end.stopAt);
      if (!attempts.begin({ message, stopAt, again: deliveries > 1 })) {
        return { kind: "retry", reason: "The task is being worked on by this runner." };
      }
      try {
        const cancelUntil = Math.max(stopAt, clock.now()) + findCancelMs(deps, message);
        const overAt = Math.min(end.overAt, cancelUntil);
        const step = () => worker.handle(delivery, limits);
        const ended = await workToEnd({ ...stepping, step }, attemptId, { stopAt, overAt });
        if (ended.kind === "retry") return ended;
        if (ended.kind === "over") {
          const timedOut = toTimedOut(message, { answerId: ids.next(), now: clock.now() });
          await insist(clock, () => publish(timedOut));
        } else answers.keep(attemptId, ended.event);
        return DONE;
      } finally {
        attempts.end(attemptId);
      }
    },
    running: worker.running,
    abort() {
      stopping.abort("stopping");
      worker.abort();
    },
    leave: worker.leave,
  };
}

function toEnd(limits: InvocationLimits, now: number): InvocationEnd {
  return toInvocationEnd(limits, now) ?? { stopAt: Number.POSITIVE_INFINITY, overAt: Number.POSITIVE_INFINITY };
}

/** How long work that is asked to end may go on: nobody else would ever say that it is over. */
function findCancelMs({ executors }: MessageWorkerDeps, { task }: TaskMessage): number {
  return toCancelWithinMs(executors.get(String(task["executor"])));
}

interface Stepping {
  readonly clock: Clock;
  readonly attempts: MessageAttempts;
  readonly stopping: AbortSignal;
  readonly step: () => Promise<DeliveryOutcome>;
}

type WorkEnd =
  | { readonly kind: "answered"; readonly event: QueuedEvent }
  /** It did not end in its time. */
  | { readonly kind: "over" }
  | Extract<DeliveryOutcome, { kind: "retry" }>;

/** Steps, and polls when it is due, until the attempt is answered or its time is over. */
async function workToEnd(
  { clock, attempts, stopping, step }: Stepping,
  attemptId: string,
  { stopAt, overAt }: { readonly stopAt: number; readonly overAt: number },
): Promise<WorkEnd> {
  for (;;) {
    await step();
    const end = attempts.takeEnd(attemptId);
    if (end === undefined) return { kind: "retry", reason: "The answer could not be sent." };
    if (end.kind === "answered") return end;
    const now = clock.now();
    // What is due later than it may go on is looked at when its time is over, so that it is cancelled.
    const wakeAt = Math.min(end.dueAt, now < stopAt ? stopAt : overAt);
    await clock.sleep(wakeAt - now, stopping);
    if (stopping.aborted) return RETRY_STOPPING;
    if (clock.now() >= overAt) return { kind: "over" };
  }
}

function toInstant(text: string): number {
  const at = Date.parse(text);
  return Number.isNaN(at) ? Number.POSITIVE_INFINITY : at;
}

function createAnswers() {
  const kept = new Map<string, QueuedEvent>();
  return {
    find: (attemptId: string) => kept.get(attemptId),
    keep(attemptId: string, event: QueuedEvent) {
      kept.set(attemptId, event);
      const [oldest] = kept.keys();
      if (kept.size > KEPT_ANSWERS && oldest !== undefined) kept.delete(oldest);
    },
  };
}
