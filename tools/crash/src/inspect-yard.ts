import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { defined, type Store } from "@stackyard/core";
import type { StoredHistoryEntry } from "@stackyard/core/engine";
import { type ChainPlan, LAST_STATE, stackIdOf, wayOf } from "./chain-machine.ts";
import { STARTS_LOG } from "./work-executor.ts";

/** Damage, counted. */
export interface CrashFindings {
  /** Starting events that were accepted and never applied. */
  readonly lostEvents: number;
  /** Event ids that were applied again. */
  readonly doubleEvents: number;
  /** Stacks that did not enter each state of their chain once and in order, by what was written of them. */
  readonly wrongWays: number;
  /** Attempts that succeeded without having been started. */
  readonly tasksThatNeverRan: number;
  /** Stacks that are not at the end of their chain. */
  readonly stuckStacks: number;
  /** Queue rows, open attempts, and events that are parked or were dead-lettered. */
  readonly leftOvers: number;
}

/** What is read of a store. */
export interface InspectedStore extends Pick<Store, "load"> {
  readonly queries: Pick<Store["queries"], "listHistory" | "stats">;
}

const PAGE = 1_000;

/** Reads the store that the tormented processes left and counts what is wrong in it. `folder` holds their notes. */
export async function inspectYard(store: Store, folder: string, plan: ChainPlan): Promise<CrashFindings> {
  // Nothing was noted where no task was ever started.
  const notes = await readFile(join(folder, STARTS_LOG), { encoding: "utf8", flag: "a+" });
  return countDamage(store, new Set(notes.split("\n")), plan);
}

/** Counts what is wrong. `started`: the attempts that were started. */
export async function countDamage(
  store: InspectedStore,
  started: ReadonlySet<string>,
  plan: ChainPlan,
): Promise<CrashFindings> {
  const way = wayOf(plan).join();
  const counts = { lostEvents: 0, doubleEvents: 0, wrongWays: 0, tasksThatNeverRan: 0, stuckStacks: 0 };
  for (let index = 0; index < plan.stacks; index += 1) {
    const stackId = stackIdOf(index);
    const applied = await readApplied(store, stackId);
    const entered = applied.filter(({ from, to }) => from !== to).map(({ to }) => to);
    const [loaded] = await store.load([stackId]);
    if (loaded?.stack?.state !== LAST_STATE) counts.stuckStacks += 1;
    if (!applied.some(({ event }) => event === "START")) counts.lostEvents += 1;
    if (entered.join() !== way) counts.wrongWays += 1;
    counts.doubleEvents += applied.length - new Set(applied.map(({ eventId }) => eventId)).size;
    counts.tasksThatNeverRan += applied.filter((entry) => isUnstarted(entry, started)).length;
  }
  const { queuedEvents, queuedTasks, openAttempts, parkedEvents, deadLetters } = await store.queries.stats();
  return { ...counts, leftOvers: queuedEvents + queuedTasks + openAttempts + parkedEvents + deadLetters };
}

/** Returns all of them, in the order in which they were written. */
async function readApplied(store: InspectedStore, stackId: string): Promise<readonly StoredHistoryEntry[]> {
  const found: StoredHistoryEntry[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.queries.listHistory({ stackId }, { limit: PAGE, ...defined({ cursor }) });
    found.push(...page.items.filter(({ outcome }) => outcome === "applied"));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

/** Returns true for a result of an attempt that was not started; the event's id names the attempt. */
function isUnstarted({ eventId, internal }: StoredHistoryEntry, started: ReadonlySet<string>): boolean {
  return internal === true && eventId.startsWith("result:") && !started.has(eventId.slice("result:".length));
}
