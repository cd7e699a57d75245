import { isAhead } from "../machine/decide/correct-instants.ts";
import { isMap } from "../machine/json.ts";
import { type Absence, noteLook } from "../machine/watched-time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Records } from "../ports/records.ts";
import type { DueItem } from "../ports/work-queue.ts";

/** When the yard looked last, and its newest absences before, oldest first. */
interface WatchedYard {
  readonly lookedAt: number;
  readonly absences: readonly Absence[];
}

const KEY = "yard/watched";
/** A schedule sweeps each minute. */
const EVERY_MS = 60_000;
const NOTE_EVERY_MS = 30_000;
/** Each night of two months. */
const MOST_ABSENCES = 64;
/** After an absence, limits wait as long at least: workers have looked again in the meantime. */
const LOOK_AGAIN_MS = 30_000;

/** Returns a function that records every half minute that the yard is looking. */
export function createYardWatch(records: Records, clock: Pick<Clock, "now">): () => Promise<void> {
  let notedAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const now = clock.now();
    if (Math.abs(now - notedAt) < NOTE_EVERY_MS) return;
    await recordLook(records, now);
    notedAt = now;
  };
}

/** Records that the yard looks now, and since when it has not, if its last look is longer ago than planned. */
export async function recordLook(records: Pick<Records, "get" | "put">, now: number, everyMs = EVERY_MS) {
  const record = await records.get(KEY, now);
  const value = noteYard(record?.value, now, everyMs);
  // A conflict means that another process is looking.
  await records.put({ key: KEY, value, expected: record?.version ?? "absent", now });
}

/** Loads the absences of the yard, with one that has not been recorded yet. */
export async function loadAbsences(records: Pick<Records, "get">, now: number): Promise<readonly Absence[]> {
  return noteYard((await records.get(KEY, now))?.value, now).absences;
}

/**
 * Returns the limits of attempts and cancels that have passed during an absence and are not reached yet: they have as
 * much time again as was left before it, and at least one more look.
 */
export async function findWaitingLimits(
  records: Pick<Records, "get">,
  items: readonly DueItem[],
  now: number,
): Promise<ReadonlySet<DueItem>> {
  const limits = items.filter((item) => item.kind === "deadline");
  const last = limits.length === 0 ? undefined : (await loadAbsences(records, now)).at(-1);
  if (last === undefined) return new Set();
  const { from, until } = last;
  return new Set<DueItem>(
    limits.filter(({ dueAt }) => dueAt <= until && now < until + Math.max(LOOK_AGAIN_MS, dueAt - from)),
  );
}

function noteYard(value: unknown, now: number, everyMs = EVERY_MS): WatchedYard {
  const { lookedAt, absences } = toWatchedYard(value) ?? { lookedAt: now, absences: [] };
  const { unwatchedMs } = noteLook({ lookedAt, unwatchedMs: 0 }, { now, everyMs });
  // A clock that was ahead has noted absences that never were.
  const known = absences.filter(({ until }) => !isAhead(until, now));
  const all = unwatchedMs === 0 ? known : [...known, { from: now - unwatchedMs, until: now }];
  return { lookedAt: now, absences: all.slice(-MOST_ABSENCES) };
}

function toWatchedYard(value: unknown): WatchedYard | undefined {
  if (!isMap(value) || typeof value["lookedAt"] !== "number" || !Array.isArray(value["absences"])) return undefined;
  const absences = value["absences"].filter(isAbsence);
  return { lookedAt: value["lookedAt"], absences };
}

function isAbsence(value: unknown): value is Absence {
  return isMap(value) && typeof value["from"] === "number" && typeof value["until"] === "number";
}
