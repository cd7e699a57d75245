import type { DueItem, QueuedEvent, TakeDueInput } from "@stackyard/core/engine";
import { fromItem } from "./attributes.ts";
import { findDueKeys } from "./find-due-keys.ts";
import { inParallel } from "./in-parallel.ts";
import { LANES, type LaneEvent, type LaneRow, listVisible, toBesideKey, toEventReceipt } from "./lane-row.ts";
import { loadRowAt, mutateRow } from "./mutate-row.ts";
import type { StoreContext } from "./store-context.ts";

/** A queued event that may be handed out. */
export interface DueEvent {
  readonly lane: LaneRow;
  readonly event: LaneEvent;
  readonly at: number;
  readonly order: number;
}

/** The visible events of lanes that are due, oldest first. */
export async function findDueEvents(
  context: StoreContext,
  { now, limit }: Pick<TakeDueInput, "now" | "limit">,
): Promise<readonly DueEvent[]> {
  const keys = await findDueKeys(context, "work", ["event"], { now, limit });
  const lanes = await inParallel(keys.slice(0, 2 * limit), ({ key }) => loadRowAt<LaneRow>(context, key));
  return lanes.flatMap((lane) => (lane === undefined ? [] : toDueEvents(lane, now)));
}

/** An event is never due before the one before it. Pure. */
function toDueEvents(lane: LaneRow, now: number): readonly DueEvent[] {
  let at = 0;
  let order = 0;
  return listVisible(lane, now).map((event) => {
    at = Math.max(at, event.dueAt);
    order = Math.max(order + 1, event.no);
    return { lane, event, at, order };
  });
}

/** Marks chosen events, those of a lane by one write; a lane that has changed meanwhile gives none. */
export async function takeEvents(context: StoreContext, chosen: readonly DueEvent[], input: TakeDueInput) {
  const byLane = Map.groupBy(chosen, ({ lane }) => lane);
  const taken = await inParallel([...byLane], async ([lane, events]) => {
    const until = input.now + input.leaseMs;
    const numbers = new Set(events.map(({ event }) => event.no));
    return (await mark(context, lane, numbers, until)) ? events : [];
  });
  return inParallel(taken.flat(), async ({ lane, event, at, order }) => {
    const item: DueItem = {
      kind: "event",
      receipt: toEventReceipt(lane.stackId, event.no),
      event: event.event ?? (await loadBeside(context, lane.stackId, event)),
      deliveries: event.deliveries + 1,
    };
    return { at, order, item };
  });
}

async function mark(
  context: StoreContext,
  lane: LaneRow,
  numbers: ReadonlySet<number>,
  until: number,
): Promise<boolean> {
  return mutateRow<LaneRow, boolean>(
    context,
    LANES,
    lane.stackId,
    (row) => {
      if (row?.nonce !== lane.nonce || row === undefined) return { result: false };
      const events = row.events.map((event) => {
        if (!numbers.has(event.no)) return event;
        return { ...event, visibleAt: until, deliveries: event.deliveries + 1 };
      });
      return { write: { ...row, events }, result: true };
    },
    lane,
  );
}

async function loadBeside(
  { work }: StoreContext,
  stackId: string,
  { beside = "", id }: LaneEvent,
): Promise<QueuedEvent> {
  const item = await work.get({ ...toBesideKey(stackId, beside) });
  const event = item === undefined ? undefined : fromItem(item)["event"];
  // Written before its lane named it, and removed after its lane named it no more: it is gone only if it was done.
  if (event === undefined) return { id, stackId, origin: "external", message: {}, receivedAt: 0 };
  return event as QueuedEvent;
}
