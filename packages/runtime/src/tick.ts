import { parseJson } from "@stackyard/core";
import type { DueItem } from "@stackyard/core/engine";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

// As long as the store accepts: a tick that its reader rejects would be sent forever, and the deadline never reached.
const Id = Type.String({ minLength: 1 });
// A stack that is not known yet may have parked events under the empty id.
const StackId = Type.String({ maxLength: 255 });
const Instant = Type.Integer({ minimum: 0 });

/**
 * A message of the queue `stack-ticks`: an item is due now. It names the item to check; the store decides whether it is
 * due.
 */
export const Tick = Type.Union([
  Type.Object({ tick: Type.Literal("timer"), stackId: StackId, dueAt: Instant }),
  Type.Object({ tick: Type.Literal("parked"), stackId: StackId, dueAt: Instant }),
  Type.Object({
    tick: Type.Literal("deadline"),
    stackId: StackId,
    attemptId: Id,
    task: Type.String(),
    why: Type.Union([Type.Literal("deadline"), Type.Literal("cancel")]),
    dueAt: Instant,
  }),
  /** The attempt's message goes to its queue: FIFO queues delay no single message, so the delay is here. */
  Type.Object({ tick: Type.Literal("poll"), attemptId: Id, dueAt: Instant }),
]);
export type Tick = Static<typeof Tick>;

export const ticks = Compile(Tick);

/** Returns due work as a tick; undefined when it needs none. */
export function toTick(item: DueItem): Tick | undefined {
  switch (item.kind) {
    case "timer":
    case "parked":
      return { tick: item.kind, stackId: item.stackId, dueAt: item.dueAt };
    case "deadline": {
      const { stackId, attemptId, task, why, dueAt } = item;
      return { tick: "deadline", stackId, attemptId, task, why, dueAt };
    }
    case "poll":
      return { tick: "poll", attemptId: item.attemptId, dueAt: item.dueAt };
    default:
      return undefined;
  }
}

/** Parses the body of a message; undefined: it is not a tick. */
export function parseTick(body: string): Tick | undefined {
  const value = parseJson(body);
  return ticks.Check(value) ? value : undefined;
}

/** Returns a tick as the due work that the engine takes; undefined: not the engine's. */
export function toDueItem(tick: Tick): DueItem | undefined {
  if (tick.tick === "poll") return undefined;
  if (tick.tick !== "deadline") return { kind: tick.tick, stackId: tick.stackId, dueAt: tick.dueAt };
  const { stackId, attemptId, task, why, dueAt } = tick;
  return { kind: "deadline", stackId, attemptId, task, why, dueAt };
}
