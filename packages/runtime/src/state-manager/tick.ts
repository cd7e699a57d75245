import type { DueItem } from "@stackyard/core/engine";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

// As long as the store has them: a tick that its reader refused would be sent again for ever, and the deadline never come.
const Id = Type.String({ minLength: 1 });
// A stack that is not known yet may have parked events under the empty id.
const StackId = Type.String({ maxLength: 255 });
const Instant = Type.Integer({ minimum: 0 });

/** A message of the queue `stack-ticks`: something becomes due now. It says what to look at; the store says what is so. */
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

const ticks = Compile(Tick);

/** Due work as a tick; undefined: it needs none. */
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

/** Reads the body of a message; undefined: it is no tick. */
export function parseTick(body: string): Tick | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return ticks.Check(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A tick as the due work that the engine takes; undefined: not the engine's. */
export function toDueItem(tick: Tick): DueItem | undefined {
  switch (tick.tick) {
    case "timer":
    case "parked":
      return { kind: tick.tick, stackId: tick.stackId, dueAt: tick.dueAt };
    case "deadline": {
      const { stackId, attemptId, task, why, dueAt } = tick;
      return { kind: "deadline", stackId, attemptId, task, why, dueAt };
    }
    case "poll":
      return undefined;
  }
}
