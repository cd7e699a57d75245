import type { Store } from "@stackyard/core";
import type { Item } from "./attributes.ts";
import { SET_ASIDE_LIST } from "./set-aside.ts";
import type { StoreContext } from "./store-context.ts";
import { WORK_INDEXES } from "./table-definitions.ts";

type StoreStats = Awaited<ReturnType<Store["queries"]["stats"]>>;

/** What items say of themselves in numbers. */
const COUNTS = ["queued", "sent", "parked", "open"] as const;

/** Counts, by reading the stacks' table and the indexes: for people and metrics, not for every second. */
export async function loadStats(context: StoreContext): Promise<StoreStats> {
  const states = new Map<string, { machine: string; state: string; count: number }>();
  const sums = { queued: 0, sent: 0, parked: 0, open: 0 };
  const add = (item: Item) => {
    for (const name of COUNTS) sums[name] += Number(item[name]?.N ?? 0);
  };
  let stacks = 0;
  let from: Item | undefined;
  do {
    const part = await context.stacks.scan({ attributes: ["machine", "_state", "removed", ...COUNTS], from });
    for (const item of part.items) {
      add(item);
      const { machine, _state: state, removed } = item;
      if (removed !== undefined || machine?.S === undefined || state?.S === undefined) continue;
      stacks += 1;
      const key = `${machine.S}\u0000${state.S}`;
      states.set(key, { machine: machine.S, state: state.S, count: (states.get(key)?.count ?? 0) + 1 });
    }
    from = part.next;
  } while (from !== undefined);
  for await (const item of readList(context, "sweep", "shadow")) add(item);
  let setAsideEvents = 0;
  for await (const _ of readList(context, "list", SET_ASIDE_LIST)) setAsideEvents += 1;
  return {
    stacks,
    queuedEvents: sums.queued,
    queuedTasks: sums.sent,
    parkedEvents: sums.parked,
    setAsideEvents,
    openAttempts: sums.open,
    states: [...states].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each),
  };
}

function readList({ work }: StoreContext, index: keyof typeof WORK_INDEXES, part: string) {
  const { name, key } = WORK_INDEXES[index];
  return work.query({ index: name, condition: { expression: `${key} = :key`, values: { ":key": part } } });
}
