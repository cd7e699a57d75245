/** A place among the reports that a budget has no room for. */
export interface Turn {
  readonly key: string;
  /** When there is room for the first of them. */
  readonly until: number;
  /** The average time until there is capacity for one more. */
  readonly everyMs: number;
  /** True for urgent reports, which do not wait behind others. */
  readonly isUrgent: boolean;
}

/** When reports that wait for room are made again. */
export interface ReportTurns {
  /** Returns its time: one after the other, and the same instant for a report that already waits. */
  take(turn: Turn, now: number): number;
}

/** Limit however many wait: a report may be outdated soon. */
const LONGEST_MS = 900_000;

/** Creates the turns of one host. `random` returns numbers from 0 to 1. */
export function createReportTurns(random: () => number): ReportTurns {
  const urgent = createLane(random);
  const common = createLane(random);
  return {
    take: (turn, now) => (turn.isUrgent ? urgent : common).take(turn, now),
  };
}

function createLane(random: () => number): ReportTurns {
  const taken = new Map<string, number>();
  let last = 0;
  return {
    take({ key, until, everyMs }, now) {
      for (const [each, at] of taken) if (at <= now) taken.delete(each);
      const before = taken.get(key);
      if (before !== undefined) return Math.max(before, until);
      last = Math.min(Math.max(until, last + everyMs), until + LONGEST_MS);
      const at = last + random() * everyMs;
      taken.set(key, at);
      return at;
    },
  };
}
