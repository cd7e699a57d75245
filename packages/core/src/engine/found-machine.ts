import type { Machine } from "../machine/machine.ts";

/** The machine that an event is decided on, or why there is none. */
export type FoundMachine =
  | {
      readonly kind: "found";
      readonly machine: Machine;
      readonly notes: readonly string[];
      /** Instead of `EVENT_UNDECLARED`: the stack is on an older revision, and the newest may declare the event. */
      readonly undeclared?: {
        readonly code: "EVENT_NOT_HANDLED" | "EVENT_UNDECLARED" | "MACHINE_INVALID";
        readonly reason: string;
      };
    }
  | MissingMachine;

/** Why there is none. */
export interface MissingMachine {
  readonly kind: "missing";
  readonly code: "MACHINE_UNKNOWN" | "MACHINE_INVALID";
  readonly reason: string;
}
