import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Store } from "@stackyard/core";
import type { StoredHistoryEntry } from "@stackyard/core/engine";
import { type ChainPlan, LAST_STATE, stackIdOf } from "./chain-machine.ts";
import { STARTS_LOG } from "./work-executor.ts";

/** Damage, counted. */
export interface CrashFindings {
  /** Starting events that were accepted and never applied. */
  readonly lostEvents: number;
  /** Event ids that were applied more than once, and states that were entered more than once. */
  readonly doubleTransitions: number;
  /** Attempts that succeeded without having been started. */
  readonly tasksThatNeverRan: number;
  /** Stacks that are not at the end of their chain. */
  readonly stuckStacks: number;
  /** Queue rows and open attempts that are left. */
  readonly leftOvers: number;
}

const PAGE = 1_000;

/** Reads the store that the tormented processes left and counts what is wrong in it. `folder` holds their notes. */
export async function inspectYard(store: Store, folder: string, plan: ChainPlan): Promise<CrashFindings> {
  const started = new Set((await readFile(join(folder, STARTS_LOG), "utf8")).split("\n"));
  const counts = { lostEvents: 0, doubleTransitions: 0, tasksThatNeverRan: 0, stuckStacks: 0 };
  for (let index = 0; index < plan.stacks; index += 1) {
    const stackId = stackIdOf(index);
    const history = await readApplied(store, stackId);
    const [loaded] = await store.load([stackId]);
    if (loaded?.stack?.state !== LAST_STATE) counts.stuckStacks += 1;
    if (!history.some(({ event }) => event === "START")) counts.lostEvents += 1;
    counts.doubleTransitions += countDoubles(history);
    counts.tasksThatNeverRan += history.filter((entry) => isUnstarted(entry, started)).length;
  }
  const { queuedEvents, queuedTasks, openAttempts, parkedEvents } = await store.stats();
  return { ...counts, leftOvers: queuedEvents + queuedTasks + openAttempts + parkedEvents };
}

async function readApplied(store: Store, stackId: string): Promise<readonly StoredHistoryEntry[]> {
  const { items } = await store.listHistory({ stackId }, { limit: PAGE });
  return items.filter(({ outcome }) => outcome === "applied");
}

function countDoubles(history: readonly StoredHistoryEntry[]): number {
  const ids = new Set(history.map(({ eventId }) => eventId));
  const entered = history.filter(({ from, to }) => from !== to).map(({ to }) => to);
  return history.length - ids.size + (entered.length - new Set(entered).size);
}

/** The id of a result's event names its attempt. */
function isUnstarted({ eventId }: StoredHistoryEntry, started: ReadonlySet<string>): boolean {
  return eventId.startsWith("result:") && !started.has(eventId.slice("result:".length));
}
