import { parseAttemptId } from "../../machine/event-message.ts";
import type { AttemptView } from "../../ports/attempt-store.ts";
import type { YardProcess } from "../process-registry.ts";
import { tellLength } from "./tell-time.ts";
import type { Reason, Wait } from "./wait.ts";

/** What there is to know besides the attempt. */
export interface AttemptFacts {
  readonly now: number;
  /** The live processes of the yard; undefined where they are not known. */
  readonly workers?: readonly YardProcess[] | undefined;
}

/** Why an attempt that was sent has not ended, and for whom it waits. */
export function explainAttempt(attempt: AttemptView, facts: AttemptFacts): Reason {
  const { attemptId, status } = attempt;
  if (attempt.cancelling !== undefined && status !== "settled") return explainCancel(attempt, facts);
  switch (status) {
    case "unclaimed":
      return explainUnclaimed(attempt, facts);
    case "queued":
      return explainQueued(attempt);
    case "running":
      return explainRunning(attempt, facts);
    case "suspended":
      return explainSuspended(attempt, facts);
    case "settled":
      return { why: "Its result waits to be worked.", waitsFor: { kind: "result", attemptId } };
  }
}

function explainCancel({ attemptId, cancelling, owner, status }: AttemptView, { now, workers }: AttemptFacts): Reason {
  const why = cancelling === "timed-out" ? "its time was over" : "it was cancelled";
  const held = owner !== undefined && status === "running" ? ` Worker ${tellWorker(owner, workers, now)} has it.` : "";
  const waitsFor: Wait = { kind: "cancel", attemptId, ...(owner === undefined ? {} : { worker: owner }) };
  return { why: `It was asked to stop, because ${why}, and has not confirmed it yet.${held}`, waitsFor };
}

function explainUnclaimed({ attemptId, dispatchedAt, executor }: AttemptView, { now, workers }: AttemptFacts): Reason {
  const waitsFor: Wait = { kind: "worker", attemptId, ...(executor === undefined ? {} : { executor }) };
  const since = tellLength(now - dispatchedAt);
  const able = workers?.filter(({ roles, executors, draining }) => {
    return roles.includes("worker") && !draining && (executor === undefined || executors.includes(executor));
  });
  if (able === undefined) return { why: `No worker has taken it for ${since}.`, waitsFor };
  const one = able.length <= 1;
  const named = executor === undefined ? "" : ` that ${one ? "has" : "have"} the executor "${executor}"`;
  if (able.length === 0) {
    return { why: `No live worker${named} is there; it waits for ${since}. Start one.`, waitsFor };
  }
  const capacity = able.reduce((sum, each) => sum + each.capacity, 0);
  const running = able.reduce((sum, each) => sum + each.running, 0);
  const there = one ? "there is 1 live worker" : `there are ${able.length} live workers`;
  const why = `No worker has taken it for ${since}; ${there}${named}, with ${running} of ${capacity} places taken.`;
  return { why, waitsFor };
}

function explainQueued({ attemptId, queuedFor }: AttemptView): Reason {
  if (queuedFor === undefined) return { why: "It is next in a queue.", waitsFor: { kind: "key", attemptId } };
  const { key, holder, place } = queuedFor;
  const parts = parseAttemptId(holder);
  const who = parts === undefined ? `attempt ${holder}` : `task "${parts.task}" of stack "${parts.stackId}"`;
  const waitsFor: Wait = {
    ...{ kind: "key", key, place, attemptId: holder },
    ...(parts === undefined ? {} : { stackId: parts.stackId, task: parts.task }),
  };
  return { why: `Waits for "${key}", which ${who} holds; place ${place} in the queue.`, waitsFor };
}

function explainRunning(attempt: AttemptView, { now, workers }: AttemptFacts): Reason {
  const { attemptId, owner = "unknown", leaseUntil = 0, dispatchedAt } = attempt;
  const waitsFor: Wait = { kind: "lease", attemptId, worker: owner, at: leaseUntil };
  if (leaseUntil <= now) {
    const why = `The worker ${owner} has not been heard of since its lease ended ${tellLength(now - leaseUntil)} ago; another one takes it over.`;
    return { why, waitsFor };
  }
  const since = tellLength(now - dispatchedAt);
  return { why: `Runs at worker ${tellWorker(owner, workers, now)} since ${since}${tellProgress(attempt)}`, waitsFor };
}

function explainSuspended(attempt: AttemptView, { now }: AttemptFacts): Reason {
  const { attemptId, pollDueAt = now } = attempt;
  const next = tellLength(pollDueAt - now);
  const why = `Goes on by itself, looked at again in ${next}${tellProgress(attempt)}`;
  return { why, waitsFor: { kind: "poll", attemptId, at: pollDueAt } };
}

/** A worker with the sign of life that the yard has of it. */
function tellWorker(id: string, workers: readonly YardProcess[] | undefined, now: number): string {
  const known = workers?.find((each) => each.id === id);
  if (known === undefined) return id;
  return `${id} (${known.host}, seen ${tellLength(now - known.seenAt)} ago)`;
}

function tellProgress({ progressMessage }: AttemptView): string {
  return progressMessage === undefined ? "" : `: ${progressMessage}`;
}
