import type { Clock, Logger } from "@stackyard/core";
import type { Change } from "@stackyard/core/engine";
import type { Sender, SetAsideSender } from "@stackyard/transport-sqs";

/** Where is told what commits have done. */
export interface FollowCommitsDeps {
  /** Of the queue `stack-ticks`. */
  readonly ticks: Sender | undefined;
  /** Of the event dead-letter queue. */
  readonly setAside: SetAsideSender | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The schedule comes within a minute and looks one further ahead; what is due sooner it would see too late. */
const NEAR_MS = 60_000;
const MOST_KNOWN = 1_000;

/**
 * What follows from commits besides task messages: a tick for a timer that is due before the schedule would see it, and a
 * copy for the dead-letter queue of what was set aside. Both are in the store all the same, so what fails is logged only.
 */
export function createCommitFollower(deps: FollowCommitsDeps): (changes: readonly Change[]) => Promise<void> {
  const { ticks, setAside, clock, logger } = deps;
  // A stack may be committed many times before its timer is due.
  const known = new Set<string>();

  function isNew({ stackId, dueAt }: { readonly stackId: string; readonly dueAt: number }): boolean {
    const key = `${dueAt} ${stackId}`;
    if (known.has(key)) return false;
    if (known.size >= MOST_KNOWN) known.clear();
    known.add(key);
    return true;
  }

  async function sendNearTimers(changes: readonly Change[]): Promise<void> {
    const now = clock.now();
    const near = changes.flatMap((change) => findNearTimers(change, now)).filter(isNew);
    if (near.length === 0) return;
    const messages = near.map(({ stackId, dueAt }) => ({
      ...{ body: JSON.stringify({ tick: "timer", stackId, dueAt }), attributes: {}, groupId: "", deduplicationId: "" },
      delayMs: Math.max(0, dueAt - now),
    }));
    await ticks?.send(messages);
  }

  return async (changes) => {
    const given = changes.flatMap((change) => change.setAside);
    const sending = [
      ticks === undefined ? undefined : sendNearTimers(changes),
      setAside === undefined || given.length === 0 ? undefined : setAside.send(given),
    ];
    for (const sent of await Promise.allSettled(sending)) {
      if (sent.status === "rejected") logger.warn("What follows from a commit was not sent.", { error: sent.reason });
    }
  };
}

/** The instants of a commit's timers that are due soon, each once. */
function findNearTimers({ stackId, write }: Change, now: number) {
  if (write.kind !== "put") return [];
  const instants = write.stack.timers.map(({ dueAt }) => dueAt).filter((dueAt) => dueAt < now + NEAR_MS);
  return [...new Set(instants)].map((dueAt) => ({ stackId, dueAt }));
}
