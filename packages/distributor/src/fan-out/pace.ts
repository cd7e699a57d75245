import type { Clock } from "@stackyard/core";
import type { AnnouncementTarget } from "../announce/announcer.ts";

/** Keeps the calls of one process from adding up to more than a consumer should have. */
export interface Pace {
  /** Takes the time that so many messages to the target need; resolves when it begins, and gives that instant. */
  take(target: AnnouncementTarget, messages: number): Promise<number>;
}

/** A new one. What goes to everybody counts for each. */
export function createPace(clock: Clock, perSecond = 20): Pace {
  const freeAt = new Map<string, number>();

  function findFree(target: AnnouncementTarget): number {
    const now = clock.now();
    for (const [key, at] of freeAt) if (at <= now) freeAt.delete(key);
    if (target === "ALL") return [...freeAt.values()].reduce((latest, at) => Math.max(latest, at), now);
    return Math.max(now, freeAt.get("ALL") ?? now, freeAt.get(toKey(target)) ?? now);
  }

  return {
    async take(target, messages) {
      const startAt = findFree(target);
      freeAt.set(toKey(target), startAt + (messages * 1_000) / perSecond);
      await clock.sleep(startAt - clock.now());
      return startAt;
    },
  };
}

function toKey(target: AnnouncementTarget): string {
  return target === "ALL" ? "ALL" : `${target.account}/${target.region}`;
}
