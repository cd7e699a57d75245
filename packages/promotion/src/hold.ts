import type { ExecutorContext, Stack } from "@stackyard/core";

/** The holds of the events of one task `deploy`. */
export interface HoldConfig {
  /** The name of a calendar. */
  readonly window?: string;
  /** Names or ARNs of CloudWatch alarms of the task's target. */
  readonly alarms?: readonly string[];
}

/** The stack that an event is about to be sent to. */
export interface HoldInput {
  readonly stackId: string;
  /** The stack, or undefined if the event creates it with `machine`. */
  readonly stack?: Stack;
  readonly machine: string;
  /** Since when an alarm is final, epoch milliseconds; undefined: nothing was sent yet. */
  readonly since?: number;
}

/**
 * The permission to send an event now. `closed`: not now, but perhaps later; `until` is the next instant that is known.
 * `fails`: nothing more may be sent by this task, such as after an alarm since the first event.
 */
export type Hold =
  | { readonly kind: "open" }
  | {
      readonly kind: "closed";
      readonly code: HoldCode;
      readonly message: string;
      readonly until?: number;
      /** Of `FROZEN`: the name of the freeze. */
      readonly freeze?: string;
    }
  | { readonly kind: "fails"; readonly code: string; readonly message: string };

/** Why nothing is sent now. A hold that cannot be read is closed: `GATE_UNAVAILABLE`. */
export type HoldCode = "WINDOW_CLOSED" | "FROZEN" | "ALARM" | "GATE_UNAVAILABLE";

/** Examines one stack after another during one call of the executor. What it has read for one may serve the next. */
export interface Holds {
  examine(input: HoldInput): Promise<Hold>;
  /**
   * Examines what has happened since an instant, also while nothing is left to be sent. `fails` ends the task;
   * `GATE_UNAVAILABLE` keeps it from succeeding. Missing: nothing is watched.
   */
  watch?(since: number): Promise<Hold>;
}

/** Creates the holds of one call of the executor. The release is the stack of the context. */
export type CreateHolds = (ctx: ExecutorContext, config: HoldConfig) => Holds;
