import type { Clock } from "../../ports/clock.ts";
import type { KeyOf } from "./call-keys.ts";
import type { NodePart } from "./node-store.ts";
import type { Life, WorkKind } from "./operation.ts";
import type { Scheduler } from "./scheduler.ts";

interface ClockInput {
  readonly life: Life;
  readonly keyOf: KeyOf;
  readonly scheduler: Scheduler;
}

/** The clock of a process, ahead of the true time or behind it. */
export function createNodeClock(part: NodePart, { life, keyOf, scheduler }: ClockInput): Clock {
  return {
    now: () => scheduler.now() + life.skewMs,
    sleep: (ms, signal) => scheduler.sleep(keyOf(`${part} sleep`), life, ms, signal),
  };
}

/**
 * The clock of a loop that looks for work again and again: what it finds nothing at is passed over, so that hours
 * without work cost nothing.
 */
export function createIdleClock(kind: WorkKind, { life, keyOf, scheduler }: ClockInput): Clock {
  return {
    now: () => scheduler.now() + life.skewMs,
    sleep: (ms, signal) => scheduler.idle(kind, keyOf(`${kind} idle`), life, ms, signal),
  };
}
