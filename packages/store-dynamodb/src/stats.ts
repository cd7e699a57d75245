import type { Store } from "@stackyard/core";
import { fromItem, type Item } from "./attributes.ts";
import { inParallel } from "./in-parallel.ts";
import { SET_ASIDE_LIST } from "./set-aside-row.ts";
import type { StoreContext } from "./store-context.ts";
import { WORK_INDEXES } from "./table-definitions.ts";

type StoreStats = Awaited<ReturnType<Store["stats"]>>;

/** Counts, by reading the stacks' table and the indexes: for people and metrics, not for every second. */
export async function loadStats(context: StoreContext): Promise<StoreStats> {
  const [stacks, queuedEvents, queuedTasks, parkedAbsent, setAsideEvents, openAttempts] = await Promise.all([
    countStacks(context),
    countAll(context, "work", ["event"], (item) => Number(item["queued"]?.N ?? 0)),
    countAll(context, "work", ["task"]),
    countAll(context, "sweep", ["shadow"], (item) => Number(item["parkedCount"]?.N ?? 0)),
    countPart(context, "list", SET_ASIDE_LIST),
    countAll(context, "sweep", ["deadline", "queued"]),
  ]);
  const { parkedEvents, ...rest } = stacks;
  return {
    ...rest,
    queuedEvents,
    queuedTasks,
    parkedEvents: parkedEvents + parkedAbsent,
    setAsideEvents,
    openAttempts,
  };
}

async function countAll(
  context: StoreContext,
  index: "work" | "sweep",
  kinds: readonly string[],
  weigh?: (item: Item) => number,
): Promise<number> {
  const counts = await inParallel(kinds, (kind) => countPart(context, index, kind, weigh));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function countPart(
  { work }: StoreContext,
  index: keyof typeof WORK_INDEXES,
  part: string,
  weigh: (item: Item) => number = () => 1,
): Promise<number> {
  const { name, key } = WORK_INDEXES[index];
  let count = 0;
  const condition = { expression: `${key} = :key`, values: { ":key": part } };
  for await (const item of work.query({ index: name, condition })) count += weigh(item);
  return count;
}

async function countStacks({ stacks }: StoreContext): Promise<Pick<StoreStats, "stacks" | "states" | "parkedEvents">> {
  const states = new Map<string, { machine: string; state: string; count: number }>();
  let parkedEvents = 0;
  let count = 0;
  let from: Item | undefined;
  do {
    const part = await stacks.scan({ attributes: ["machine", "_state", "parked", "removed"], from });
    for (const { machine, _state: state, parked, removed } of part.items) {
      if (removed !== undefined || machine?.S === undefined || state?.S === undefined) continue;
      count += 1;
      parkedEvents += countParked(parked === undefined ? {} : { parked });
      const key = `${machine.S}\u0000${state.S}`;
      states.set(key, { machine: machine.S, state: state.S, count: (states.get(key)?.count ?? 0) + 1 });
    }
    from = part.next;
  } while (from !== undefined);
  const ordered = [...states].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
  return { stacks: count, states: ordered, parkedEvents };
}

function countParked(item: Item): number {
  const { parked } = fromItem(item);
  return Array.isArray(parked) ? parked.length : 0;
}
