import type { Sender } from "../../access/sender.ts";
import type { Machine, State } from "../../machine/machine.ts";

/** A machine's document in a plan: data that can be reduced. */
export interface PlannedMachine {
  readonly version: 1 | 2;
  readonly events: readonly string[];
  readonly states: Readonly<Record<string, PlannedState>>;
  readonly tasks: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly revision?: Machine["revision"];
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** The instant at which every run begins. */
export const START_AT = Date.UTC(2026, 0, 1);

/** A state of a planned machine; keys other than these are passed on as they are. */
export interface PlannedState {
  readonly tasks?: readonly string[];
  readonly on?: Readonly<Record<string, unknown>>;
  readonly terminal?: boolean;
  readonly timeout?: string;
  readonly leaving?: State["leaving"];
  readonly after?: readonly PlannedTimer[];
}

/** An event that a state of a planned machine sends itself. */
export type PlannedTimer = { readonly event: string } & (
  | { readonly in: string }
  | { readonly at: string }
  | { readonly cron: string }
);

/** One process with an engine and a worker. */
export interface PlannedNode {
  /** The offset of its clock from the true time; may be negative. */
  readonly skewMs: number;
  /** Tasks that it works at the same time. */
  readonly concurrency: number;
  /** Its engine and its worker hand results and attempts to each other without the queue. Default: they do not. */
  readonly direct?: boolean;
}

/** An action of the outside world, at an instant after the beginning. */
export type PlannedAction =
  | {
      readonly atMs: number;
      readonly do: "send";
      readonly message: Readonly<Record<string, unknown>>;
      /** Default: the sender is not known. */
      readonly sender?: Sender;
    }
  /** Starts a run of the machine `stackyard.run`. */
  | { readonly atMs: number; readonly do: "run"; readonly key: string }
  /** The machine of that place in the plan is the newest from now on. */
  | { readonly atMs: number; readonly do: "revise"; readonly to: number }
  /** One process alone reads the machine of that place: a rolling deployment, or a server that was forgotten. */
  | { readonly atMs: number; readonly do: "deploy"; readonly node: number; readonly to: number }
  /** One process ends and starts again with these plugins. */
  | {
      readonly atMs: number;
      readonly do: "plugin";
      readonly node: number;
      readonly has: PlannedPlugins;
      readonly downMs: number;
    }
  /** Sends everything again that was dead-lettered. */
  | { readonly atMs: number; readonly do: "redrive" }
  /** The server of the database dies, and with it what is kept without its log: leases of events, and renewals. */
  | { readonly atMs: number; readonly do: "lose-leases" }
  /** A process ends: in order, or as `kill -9` does. */
  | { readonly atMs: number; readonly do: "stop" | "kill"; readonly node: number; readonly downMs: number }
  /** A process is frozen, as one that is paged out or stopped by a signal. */
  | { readonly atMs: number; readonly do: "freeze"; readonly node: number; readonly forMs: number };

/** The executors that a process has: all; not `solo`; not `work`; or all, with a newer `work` that requires more in its config. */
export const PLUGINS = ["all", "no-solo", "no-work", "strict"] as const;
export type PlannedPlugins = (typeof PLUGINS)[number];

/** The fault of one call, or of one delivery of messages. */
export type Fault =
  /** The process dies; the call has happened (`after`) or not. */
  | { readonly kind: "crash"; readonly when: "before" | "after"; readonly downMs: number }
  /** The call fails; it has happened (`after`) or not. */
  | { readonly kind: "fail"; readonly when: "before" | "after" }
  /** The call (`before`) or its answer (`after`) is on its way for so long. */
  | { readonly kind: "delay"; readonly when: "before" | "after"; readonly ms: number }
  /** So many other steps come first. */
  | { readonly kind: "yield"; readonly steps: number }
  /** A process looks for work although others are busy with theirs. */
  | { readonly kind: "hurry" }
  /** The hand-over is lost; the medium hands the messages out again later. */
  | { readonly kind: "lose" }
  /** The messages are handed to another process too. */
  | { readonly kind: "repeat"; readonly node: number };

/** The course of one call of an executor. */
export interface WorkStep {
  readonly answer: "succeed" | "fail" | "fail-for-good" | "throw" | "nonsense" | "go-on" | "follow-up" | "hang";
  /** The duration, in milliseconds. */
  readonly takesMs?: number;
  /** It ignores a request to stop. */
  readonly deaf?: boolean;
  /** With `go-on`. */
  readonly pollAfterMs?: number;
}

/**
 * A run of the simulator as data: the same plan always results in the same run. Faults are listed by the name of the
 * call that they happen to (`s1/db/2.1 worker settle 1`: the first settling of the first attempt of the task `db` in
 * the second entry of the stack `s1`), steps of work under the call of the executor (`s1/db/2.1/1`); everything else
 * succeeds at once.
 */
export interface SimulationPlan {
  readonly seed: number;
  readonly leaseMs: number;
  /** `queue`: events from outside come by a queue outside the store. Default: by the store. */
  readonly medium?: "store" | "queue";
  /** The treatment of events that only the present state refuses. Default: `park`. */
  readonly refusedEvents?: "park" | "drop";
  readonly nodes: readonly PlannedNode[];
  /** Revisions of one machine; the first one is there at the beginning. */
  readonly machines: readonly PlannedMachine[];
  readonly actions: readonly PlannedAction[];
  readonly faults: Readonly<Record<string, Fault>>;
  readonly work: Readonly<Record<string, WorkStep>>;
}

/** The name of the machine of all plans. */
export const PLANNED_MACHINE = "app";
