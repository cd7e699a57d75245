import { type StackEvent, toEventKey } from "../machine/event-message.ts";
import type { Stack } from "../machine/stack.ts";
import type { ParkedHead } from "../ports/stack-store.ts";

/** The events of a stack that have an order: those that are parked, and those that the stack remembers. */
interface Orders {
  readonly parked: ReadonlyMap<string, ParkedHead>;
  readonly stack: Stack | undefined;
}

/** Returns the order of an event that comes now: higher than that of every event before it. */
export function nextOrder({ parked, stack }: Orders): number {
  const known = [...parked.values()].map(({ order = 0 }) => order);
  return Math.max(0, stack?.lead?.order ?? 0, stack?.endsFrom ?? 0, ...known) + 1;
}

/** Returns the order of an event: its own if it is parked, else that of an event that comes now. */
export function orderOf(round: Orders, event: Pick<StackEvent, "origin" | "id">): number {
  return round.parked.get(toEventKey(event))?.order ?? nextOrder(round);
}
