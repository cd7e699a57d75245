import type { Decision } from "../machine/decide/decision.ts";
import type { DecideLimits } from "../machine/decide/work.ts";
import type { StackEvent } from "../machine/event-message.ts";
import type { Stack } from "../machine/stack.ts";
import type { Random } from "../ports/clock.ts";
import type { Change, LoadedStack, ParkedEvent } from "../ports/stack-store.ts";
import type { DeliveryOutcome } from "../ports/transport.ts";
import type { Needs } from "./parked-tries.ts";
import type { ReadOptions } from "./parse-queued.ts";
import type { RefusalOutcome, RefuseDeps } from "./refuse.ts";
import type { Round } from "./round.ts";
import type { FoundMachine, StackInput, WantedMachine } from "./stack-input.ts";

/** Options of `applyInputs`, in addition to the aggregate and the inputs. */
export interface ApplyOptions extends RefuseDeps, ReadOptions {
  readonly now: number;
  readonly machines: MachineLookup;
  readonly limits: DecideLimits;
  /** Draws the instants that `decide` leaves to chance. Undefined: timers keep their latest instants and `jitterMs`. */
  readonly random: Random | undefined;
  /** False if a runner may work by message only. Then an attempt that is not claimed may be running. */
  readonly everyRunnerClaims: boolean;
  /**
   * True in a replay: the history says which events were not kept because they repeat another, and its events have no
   * sensitive values to compare.
   */
  readonly keepsRepeats?: true;
  /** The number of failed deliveries after which an event is dead-lettered. */
  readonly maxDeliveries: number;
  /** Keys of events that the store has reported as applied before. */
  readonly knownIds: ReadonlySet<string>;
  /** Credentials of senders of parked events that have ended: see `hasEnded`. Default: none. */
  readonly endedCredentials?: ReadonlySet<string> | undefined;
  /** The stack's parked events that are loaded, by their keys. Default: none. */
  readonly parkedEvents?: ReadonlyMap<string, ParkedEvent>;
  /** What was made for the stack and is still there; undefined if the caller must look it up first. */
  readonly left: readonly string[] | undefined;
}

/** Returns the machine that an event is decided on; undefined if the caller must look it up first. */
type MachineLookup = (wanted: WantedMachine) => FoundMachine | { readonly error: unknown } | undefined;

/** The result of `applyInputs`, or what must be loaded first. */
export type AppliedInputs =
  | {
      readonly kind: "applied";
      readonly change: Change;
      /** In the order of the inputs. */
      readonly outcomes: readonly DeliveryOutcome[];
      /** Hashes of the revisions that must be kept before the change is committed. */
      readonly revisions: ReadonlySet<string>;
      /** Every decision, in order. */
      readonly decided: readonly DecidedEvent[];
      /** Errors of inputs that could not be decided, by the input's index. */
      readonly faults: ReadonlyMap<number, unknown>;
    }
  /** Load this, and apply the inputs again: nothing was changed. */
  | Needs;

/** The outcome of an event that was decided. */
export type TakenOutcome = Exclude<RefusalOutcome, "redeliver">;

/** One event with its decision. A parked event is decided several times. */
export interface DecidedEvent {
  readonly event: StackEvent;
  readonly decision: Decision;
  readonly outcome: TakenOutcome;
  /** No stack existed before. */
  readonly isBegin: boolean;
  /** After it. */
  readonly stack: Stack | undefined;
}

/** Decides the effect of inputs on an aggregate: see `applyInputs`. */
export type ApplyInputs = (
  aggregate: LoadedStack,
  inputs: readonly StackInput[],
  options: ApplyOptions,
) => AppliedInputs;

/** A unit of work with its options, and what its decisions have brought besides the change. */
export interface Work {
  readonly options: ApplyOptions;
  readonly round: Round;
  readonly revisions: Set<string>;
  readonly decided: DecidedEvent[];
  /** `applyInputs`, with which a plan is made again. */
  readonly apply: ApplyInputs;
}
