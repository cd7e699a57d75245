import type { TaskMessage } from "../machine/task-message.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import { noRecords } from "./built-in-ports.ts";
import type { WorkerStore } from "./run-attempt.ts";
import { toAnswer } from "./to-answer.ts";

/** What the attempts of one runner need. */
export interface MessageAttemptsDeps {
  readonly publish: (event: QueuedEvent) => Promise<void>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
}

/** What is known of an attempt when it begins. */
export interface BeginInput {
  readonly message: TaskMessage;
  /** From here on it is asked to end; epoch milliseconds. */
  readonly stopAt: number;
  /** An earlier delivery may have started it. */
  readonly again: boolean;
}

/** How the last step of an attempt ended. */
export type StepEnd =
  | { readonly kind: "suspended"; readonly dueAt: number }
  | { readonly kind: "answered"; readonly event: QueuedEvent };

/** The attempts that a runner without a store works on: a store for a worker, as long as each of its messages is in hand. */
export interface MessageAttempts extends WorkerStore {
  /** False when the attempt is in hand already. */
  begin(input: BeginInput): boolean;
  /** How its last step ended, once; undefined: nothing is known. */
  takeEnd(attemptId: string): StepEnd | undefined;
  end(attemptId: string): void;
}

interface OpenAttempt extends BeginInput {
  /** Of its answer, also when that is sent again. */
  readonly answerId: string;
  /** Steps so far. */
  token: number;
  progress?: unknown;
  last?: StepEnd | undefined;
}

/** Attempts in the memory of one runner. Nothing of them outlives the process: the message's visibility is the lease. */
export function createMessageAttempts(deps: MessageAttemptsDeps): MessageAttempts {
  const { clock } = deps;
  const open = new Map<string, OpenAttempt>();
  const isOver = ({ stopAt }: OpenAttempt) => clock.now() >= stopAt;
  return {
    records: noRecords,
    // What a follow-up run would be made of; `settle` says that there is none.
    revisions: { put: async () => undefined },
    begin(input) {
      const { id } = input.message.dispatch;
      if (open.has(id)) return false;
      open.set(id, { ...input, answerId: deps.ids.next(), token: 0 });
      return true;
    },
    takeEnd(attemptId) {
      const attempt = open.get(attemptId);
      const last = attempt?.last;
      if (attempt !== undefined) attempt.last = undefined;
      return last;
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
        ...(attempt.progress === undefined ? {} : { progress: attempt.progress }),
        ...(isOver(attempt) ? { cancelling: "timed-out" as const } : {}),
      };
    },
    async renew({ attemptId }) {
      const attempt = open.get(attemptId);
      if (attempt === undefined) return { kind: "lost" };
      return isOver(attempt) ? { kind: "renewed", cancelling: "timed-out" } : { kind: "renewed" };
    },
    async suspend({ attemptId }, { progress, dueAt }) {
      const attempt = open.get(attemptId);
      if (attempt === undefined) return "lost";
      attempt.progress = progress;
      attempt.last = { kind: "suspended", dueAt };
      return "suspended";
    },
    async settle({ attemptId }, { event: result, followUps = [] }) {
      const attempt = open.get(attemptId);
      if (attempt === undefined) return "lost";
      const { event, leftOut } = toAnswer(result, attempt.answerId);
      tellWhatStays(deps.logger, attempt.message, { leftOut, followUps: followUps.length });
      await deps.publish(event);
      attempt.last = { kind: "answered", event };
      return "settled";
    },
  };
}

function tellWhatStays(
  logger: Logger,
  { stack, task }: TaskMessage,
  { leftOut, followUps }: { readonly leftOut: readonly string[]; readonly followUps: number },
): void {
  const fields = { stackId: stack.id, task: task.name };
  if (leftOut.length > 0) {
    logger.warn("Sensitive outputs need a runner with the store; they were left out.", { ...fields, outputs: leftOut });
  }
  if (followUps > 0) {
    logger.error("A follow-up run needs a runner with the store; it is not started. Start it by hand.", fields);
  }
}
