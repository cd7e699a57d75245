import { SYSTEM_EVENTS } from "../../machine/event-message.ts";
import { toCancelWithinMs } from "../../machine/executor-definition.ts";
import { defined } from "../../machine/json.ts";
import { RecentMap } from "../../machine/recent-map.ts";
import { shortHashOf } from "../../machine/short-hash.ts";
import { isOwnAttempt, type TaskMessage } from "../../machine/task-message.ts";
import type { Clock, Ids } from "../../ports/clock.ts";
import { failed, type Logger } from "../../ports/executor.ts";
import type { QueuedEvent } from "../../ports/stack-store.ts";
import type { DeliveryOutcome, TaskDelivery } from "../../ports/transport.ts";
import { toResultEvent } from "../attempts/attempt-result.ts";
import { retryTransient } from "../attempts/retry-transient.ts";
import type { StepEnd, WorkerStore } from "../attempts/run-attempt.ts";
import { noRecords } from "../built-in-ports.ts";
import { type InvocationEnd, type InvocationLimits, toInvocationEnd } from "./invocation-limits.ts";
import { createStepWorker, findLeft, type Worker, type WorkerDeps, type WorkerOptions } from "./worker.ts";

/** Dependencies of a worker without a store. */
interface MessageWorkerDeps extends Omit<WorkerDeps, "store" | "logs"> {
  /** Sends results to the queue of events. */
  readonly publish: (events: readonly QueuedEvent[]) => Promise<void>;
}

/** A worker that communicates only by messages. */
interface MessageWorker extends Omit<Worker, "handle"> {
  /** Runs a task to its end. Returns `retry` if no result was sent, so that the message must be delivered again. */
  handle(delivery: TaskDelivery, limits?: InvocationLimits): Promise<DeliveryOutcome>;
}

const RETRY_STOPPING = { kind: "retry", reason: "The worker stops." } as const satisfies DeliveryOutcome;
const RETRY_RUNNING = {
  kind: "retry",
  reason: "The task is being worked on by this runner.",
} as const satisfies DeliveryOutcome;
const DONE: DeliveryOutcome = { kind: "done" };

/**
 * The number of results that are kept. A message that is delivered again gets the same result, and its task is not run
 * again.
 */
const KEPT_ANSWERS = 100;

/**
 * Creates a worker for runners without a store, like those of the predecessor. The visibility of the message is the
 * lease, and the transport extends it. The worker polls executors until they end, and sends the result as an event. Two
 * runners may receive the same message and both run the task, with the same idempotency key. Suspended attempts,
 * exclusive keys, cancels and sensitive values are not supported: a task that needs a sensitive value fails with
 * `SECRETS_NEED_STORE`.
 */
export function createMessageWorker(deps: MessageWorkerDeps, options: WorkerOptions = {}): MessageWorker {
  const { clock, ids, logger } = deps;
  const publish = (event: QueuedEvent) => deps.publish([event]);
  const answers = createAnswers();
  const attempts = createMessageAttempts({ publish, answers, clock, ids, logger });
  const worker = createStepWorker({ ...deps, store: attempts }, options);
  const stopping = new AbortController();
  const stepping = { clock, stopping: stopping.signal };
  const findRefusal = ({ message }: TaskDelivery) =>
    stopping.signal.aborted ? RETRY_STOPPING : findLeft(deps.executors, message);
  return {
    async handle(delivery, limits = {}) {
      const { attemptId, message, deliveries } = delivery;
      const refusal = findRefusal(delivery);
      if (refusal !== undefined) return refusal;
      const answered = answers.find(attemptId);
      if (answered !== undefined) {
        await retryTransient(clock, () => publish(answered));
        return DONE;
      }
      const end = toEnd(limits, clock.now());
      const stopAt = Math.min(toInstant(message.dispatch.deadline), end.stopAt);
      if (!attempts.begin({ message, stopAt, again: deliveries > 1 })) return RETRY_RUNNING;
      try {
        const cancelUntil = Math.max(stopAt, clock.now()) + findCancelMs(deps, message);
        const overAt = Math.min(end.overAt, cancelUntil);
        const step = async () => (await worker.step(delivery, limits)).end;
        const ended = await workToEnd({ ...stepping, step }, { stopAt, overAt });
        if (ended.kind === "retry") return ended;
        if (ended.kind === "over") {
          const timedOut = toTimedOut(message, { answerId: ids.next(), now: clock.now() });
          await retryTransient(clock, () => publish(timedOut));
        }
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

/** Returns how long aborted work may continue, in milliseconds. Another process would never report its end. */
function findCancelMs({ executors }: MessageWorkerDeps, { task }: TaskMessage): number {
  return toCancelWithinMs(executors.get(String(task["executor"])));
}

interface Stepping {
  readonly clock: Clock;
  readonly stopping: AbortSignal;
  readonly step: () => Promise<StepEnd | undefined>;
}

type WorkEnd =
  | Extract<StepEnd, { kind: "settled" }>
  /** It did not end in its time. */
  | { readonly kind: "over" }
  | Extract<DeliveryOutcome, { kind: "retry" }>;

/** Runs steps, and polls when due, until the attempt has its result or its time is over. */
async function workToEnd(
  { clock, stopping, step }: Stepping,
  { stopAt, overAt }: { readonly stopAt: number; readonly overAt: number },
): Promise<WorkEnd> {
  for (;;) {
    const end = await step();
    if (end === undefined || end.kind === "lost") return { kind: "retry", reason: "The answer could not be sent." };
    if (end.kind === "settled") return end;
    const now = clock.now();
    // If the next poll is due after the deadline, checks at the deadline instead, so that the work is cancelled.
    const wakeAt = Math.min(end.until, now < stopAt ? stopAt : overAt);
    await clock.sleep(wakeAt - now, stopping);
    if (stopping.aborted) return RETRY_STOPPING;
    if (clock.now() >= overAt) return { kind: "over" };
  }
}

function toInstant(text: string): number {
  const at = Date.parse(text);
  return Number.isNaN(at) ? Number.POSITIVE_INFINITY : at;
}

/** The results that were sent last, by attempt. */
interface Answers {
  find(attemptId: string): QueuedEvent | undefined;
  keep(attemptId: string, event: QueuedEvent): void;
}

function createAnswers(): Answers {
  const kept = new RecentMap<string, QueuedEvent>(KEPT_ANSWERS);
  return {
    find: (attemptId: string) => kept.get(attemptId),
    keep: (attemptId: string, event: QueuedEvent) => void kept.set(attemptId, event),
  };
}

/** Dependencies of the attempts of one runner. */
interface MessageAttemptsDeps {
  readonly publish: (event: QueuedEvent) => Promise<void>;
  readonly answers: Answers;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
}

/** The facts about an attempt when it begins. */
interface BeginInput {
  readonly message: TaskMessage;
  /** When the task receives the request to end, in epoch milliseconds. */
  readonly stopAt: number;
  /** An earlier delivery may have started it. */
  readonly again: boolean;
}

/** The attempts of a runner without a store: a store for a worker, as long as the runner processes their messages. */
interface MessageAttempts extends WorkerStore {
  /** Begins an attempt. Returns false when this runner already processes it. */
  begin(input: BeginInput): boolean;
  end(attemptId: string): void;
}

interface OpenAttempt extends BeginInput {
  /** The id of its result, also when that is sent again. */
  readonly answerId: string;
  /** Steps so far. */
  token: number;
  progress?: unknown;
}

/**
 * Creates the attempts in the memory of one runner. They do not outlive the process: the message's visibility is the
 * lease.
 */
function createMessageAttempts(deps: MessageAttemptsDeps): MessageAttempts {
  const { clock } = deps;
  const open = new Map<string, OpenAttempt>();
  const isOver = ({ stopAt }: OpenAttempt) => clock.now() >= stopAt;
  return {
    records: noRecords,
    // A follow-up job needs a revision; `settle` reports that none can be stored.
    revisions: { put: async () => undefined },
    begin(input) {
      const { id } = input.message.dispatch;
      if (open.has(id)) return false;
      open.set(id, { ...input, answerId: deps.ids.next(), token: 0 });
      return true;
    },
    end(attemptId) {
      open.delete(attemptId);
    },
    async claim({ attemptId, owner }) {
      const attempt = open.get(attemptId);
      if (attempt === undefined) return { kind: "gone" };
      attempt.token += 1;
      return {
        kind: "granted",
        grant: { attemptId, owner, token: attempt.token },
        deadlineAt: attempt.stopAt,
        again: attempt.again || attempt.token > 1,
        ...defined({ progress: attempt.progress }),
        ...(isOver(attempt) ? { cancelling: "timed-out" as const } : {}),
      };
    },
    async renew({ attemptId }) {
      const attempt = open.get(attemptId);
      if (attempt === undefined) return { kind: "lost" };
      return isOver(attempt) ? { kind: "renewed", cancelling: "timed-out" } : { kind: "renewed" };
    },
    async suspend({ attemptId }, { progress }) {
      const attempt = open.get(attemptId);
      if (attempt === undefined) return "lost";
      attempt.progress = progress;
      return "suspended";
    },
    async settle({ attemptId }, { event: result, followUps = [] }) {
      const attempt = open.get(attemptId);
      if (attempt === undefined) return "lost";
      const { event, leftOut } = toAnswer(result, attempt.answerId);
      logWhatStays(deps.logger, attempt.message, { leftOut, followUps: followUps.length });
      await deps.publish(event);
      deps.answers.keep(attemptId, event);
      return "settled";
    },
  };
}

function logWhatStays(
  logger: Logger,
  { stack, task }: TaskMessage,
  { leftOut, followUps }: { readonly leftOut: readonly string[]; readonly followUps: number },
): void {
  const fields = { stackId: stack.id, task: task.name };
  if (leftOut.length > 0) {
    logger.warn("Sensitive outputs need a runner with the store; they were omitted.", { ...fields, outputs: leftOut });
  }
  if (followUps > 0) {
    logger.error("A follow-up job needs a runner with the store; it is not started. Start it by hand.", fields);
  }
}

/** As many characters as senders may make the id of an event. */
const MAX_ID_CHARACTERS = 255;

/** A result from a runner without a store. */
interface Answer {
  readonly event: QueuedEvent;
  /** Outputs that must not be shown, and so cannot travel: only a store keeps them hidden. */
  readonly leftOut: readonly string[];
}

/**
 * Returns the result of an attempt in the form of an outside sender: an attempt that ended because its time was over
 * has failed, sensitive outputs are left out, and the result of a message without an attempt names the task.
 *
 * The result of an attempt has the random id that the runner has created: anybody may send an event under an id that
 * can be guessed, and the result would count as its repeat. A repeat of the result is stale, because the attempt has
 * ended. A result by the task's name might be mistaken for that of a later run, so its id names the message, and a
 * repeat counts once.
 */
export function toAnswer(result: QueuedEvent, answerId: string): Answer {
  const { sensitiveOutputs, dispatchId, outputs, ...message } = toFailure(result.message);
  const attemptId = typeof dispatchId === "string" ? dispatchId : "";
  const isOwn = isOwnAttempt(attemptId);
  const leftOut = Array.isArray(sensitiveOutputs) ? sensitiveOutputs.map(String) : [];
  const event: QueuedEvent = {
    ...result,
    id: isOwn ? toShortId(result.id) : `answer:${answerId}`,
    origin: "external",
    message: {
      ...message,
      ...(isOwn ? {} : { dispatchId: attemptId }),
      ...defined({ outputs: outputs && without(outputs, leftOut) }),
    },
  };
  return { event, leftOut };
}

/** Returns the result of a task that did not end in its time. */
export function toTimedOut(
  message: TaskMessage,
  { answerId, now }: { readonly answerId: string; readonly now: number },
): QueuedEvent {
  return toAnswer(toResultEvent(message, failed(TIMED_OUT), { cancelling: false, now }), answerId).event;
}

function toShortId(id: string): string {
  return id.length <= MAX_ID_CHARACTERS ? id : `result:${shortHashOf(id)}`;
}

const TIMED_OUT = {
  code: "TASK_TIMEOUT",
  message: "The task was interrupted: it or its runner ran out of time.",
  retryable: true,
};

/**
 * Turns a cancelled result into a timeout. Only the engine may report that a task was cancelled; an attempt cancelled
 * here has run out of time.
 */
function toFailure(message: QueuedEvent["message"]): Readonly<Record<string, unknown>> {
  if (message["event"] !== SYSTEM_EVENTS.taskCancelled) return message;
  const { code, message: description, retryable } = TIMED_OUT;
  return { ...message, event: SYSTEM_EVENTS.taskError, code, description, retryable };
}

function without(outputs: unknown, names: readonly string[]): unknown {
  if (typeof outputs !== "object" || outputs === null) return outputs;
  return Object.fromEntries(Object.entries(outputs).filter(([name]) => !names.includes(name)));
}
