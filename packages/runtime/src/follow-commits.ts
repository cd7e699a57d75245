import { type Clock, type Logger, RecentMap, type Store } from "@stackyard/core";
import { type Change, type DueItem, dueTimers, type TickSender } from "@stackyard/core/engine";
import type { DeadLetterSender } from "@stackyard/transport-sqs";

/** The followers of commits. */
interface FollowCommitsDeps {
  readonly ticks: TickSender | undefined;
  /** The sender to the event dead-letter queue. */
  readonly deadLetters: DeadLetterSender | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The schedule comes within a minute and looks one further ahead; it would be too late for timers that are due sooner.
 */
const NEAR_MS = 60_000;
const MOST_KNOWN = 1_000;

/**
 * Returns the store with what follows from commits besides messages: a tick for a timer that is due before the schedule
 * would see it, and a copy for the dead-letter queue of the dead letters. Both are in the store too, so a failure is
 * only logged.
 */
export function followCommits(store: Store, deps: FollowCommitsDeps): Store {
  const follow = createCommitFollower(deps);
  return {
    ...store,
    async commit(changes) {
      const results = await store.commit(changes);
      const committed = changes.filter((_, index) => results[index]?.kind === "committed");
      if (committed.length > 0) await follow(committed);
      return results;
    },
  };
}

/** Returns the function to call with each commit's changes. */
export function createCommitFollower(deps: FollowCommitsDeps): (changes: readonly Change[]) => Promise<void> {
  const { ticks, deadLetters, clock, logger } = deps;
  // A stack may be committed many times before its timer is due.
  const known = new RecentMap<string, true>(MOST_KNOWN);

  function isNew({ stackId, dueAt }: NearTimer): boolean {
    const key = `${dueAt} ${stackId}`;
    if (known.has(key)) return false;
    known.set(key, true);
    return true;
  }

  return async (changes) => {
    const now = clock.now();
    const near = changes.flatMap((change) => findNearTimers(change, now)).filter(isNew);
    const given = changes.flatMap((change) => change.deadLetters);
    const sending = [
      near.length > 0 ? ticks?.send(near) : undefined,
      given.length > 0 ? deadLetters?.send(given) : undefined,
    ];
    for (const sent of await Promise.allSettled(sending)) {
      if (sent.status === "rejected") logger.warn("Messages of a commit could not be sent.", { error: sent.reason });
    }
  };
}

type NearTimer = Extract<DueItem, { kind: "timer" }>;

/** Finds the instants of a commit's timers that are due soon, each once. */
function findNearTimers({ stackId, write }: Change, now: number): readonly NearTimer[] {
  if (write.kind !== "put") return [];
  const instants = dueTimers(write.stack, now + NEAR_MS - 1).map(({ dueAt }) => dueAt);
  return [...new Set(instants)].map((dueAt) => ({ kind: "timer", stackId, dueAt }));
}
