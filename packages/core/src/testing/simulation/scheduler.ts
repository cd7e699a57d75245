import { StackyardError } from "../../errors/stackyard-error.ts";
import { settlePromises } from "../fake-clock.ts";
import type { Chance, FaultPlace } from "./chance.ts";
import type { Fault } from "./simulation-plan.ts";

/** Something that a process, or the world outside, is about to do. */
interface OperationInput<Result> {
  /** Names it within the run; its faults depend on this name. */
  readonly key: string;
  readonly place?: FaultPlace;
  /** Whose it is; without one it suffers nothing. */
  readonly incarnation?: Life;
  /** Not before so long from now. Default: 0. */
  readonly inMs?: number;
  /** Describes it, for the trace. */
  readonly describe: () => string;
  readonly act: () => Result | Promise<Result>;
}

/** Performs one step after the other over everything that waits: calls, sleepers, and planned actions. */
export interface Scheduler extends Pick<OperationQueue, "discard"> {
  /** Returns the true time. */
  now(): number;
  /** Steps so far. */
  steps(): number;
  /** Waits for its turn, then acts. Never settles when its process dies. */
  enter<Result>(input: OperationInput<Result>): Promise<Result>;
  sleep(key: string, incarnation: Life | undefined, ms: number, signal?: AbortSignal): Promise<void>;
  /** Sleeps until then, and then until there is work of that kind; a signal that there is some wakes it before. */
  idle(kind: WorkKind, key: string, incarnation: Life, ms: number, signal?: AbortSignal): Promise<void>;
  /** Notes when there is work of that kind. */
  noteDue(kind: WorkKind, dueAt: number | undefined, always?: boolean): void;
  /** Performs one step, or lets time pass until there is one; returns false when no step is left before the end. */
  step(): Promise<boolean>;
}

/** The scheduler's report of a step. */
export interface StepNote {
  readonly at: number;
  readonly key: string;
  readonly fault: Fault | undefined;
  describe(): string;
}

/** The input of a scheduler. */
export interface SchedulerInput {
  readonly startAt: number;
  /** Time does not pass beyond. */
  readonly endAt: number;
  readonly chance: Chance;
  readonly onStep: (note: StepNote) => void;
}

// Idle processes look for work when everything else rests, unless they are in a hurry.
const IDLE_TURNS = 1_000;

/** Creates a scheduler at the beginning of time. */
export function createScheduler({ startAt, endAt, chance, onStep }: SchedulerInput): Scheduler {
  const queue = createOperationQueue(endAt);
  let now = startAt;
  let steps = 0;

  const wait = (waiting: Waiting, turns: number, signal: AbortSignal | undefined) =>
    waitFor(signal, (end) => queue.add({ ...waiting, act: nothing, resolve: end, reject: nothing }, steps + turns));

  return {
    now: () => now,
    steps: () => steps,
    enter({ key, place = "call", incarnation, inMs = 0, describe, act }) {
      const fault = incarnation === undefined ? undefined : chance.findFault(key, place);
      const delayMs = fault?.kind === "delay" && fault.when === "before" ? fault.ms : 0;
      const turns = fault?.kind === "yield" ? fault.steps : 0;
      return new Promise((resolve, reject) => {
        // It resolves with the result of `act`.
        const settle = { resolve: resolve as Operation["resolve"], reject };
        queue.add({ key, incarnation, fault, describe, act, readyAt: now + inMs + delayMs, ...settle }, steps + turns);
      });
    },
    sleep(key, incarnation, ms, signal) {
      if (ms <= 0) return Promise.resolve();
      // As real clocks, this one counts whole milliseconds.
      return wait(
        { key, incarnation, fault: undefined, describe: () => "is over", readyAt: now + Math.ceil(ms) },
        0,
        signal,
      );
    },
    idle(kind, key, incarnation, ms, signal) {
      const fault = chance.findFault(key, "idle");
      const readyAt = now + Math.max(Math.ceil(ms), fault?.kind === "delay" ? fault.ms : 0);
      const waiting = { key, incarnation, idle: kind, fault, describe: () => "is over", readyAt };
      return wait(waiting, fault?.kind === "hurry" ? 0 : IDLE_TURNS, signal);
    },
    discard: queue.discard,
    noteDue: (kind, dueAt, always = false) => queue.noteDue(kind, dueAt, { now, always }),
    async step() {
      const next = queue.takeNext(now);
      if (next === undefined) return false;
      const { operation, at } = next;
      now = at;
      steps += 1;
      onStep({ at, key: operation.key, fault: operation.fault, describe: operation.describe });
      const answer = await performOperation(operation);
      const delayMs = answerDelayMs(operation);
      if (answer === undefined) return true;
      if (delayMs === 0) answer(operation);
      else
        queue.add(
          toLateAnswer(operation, () => answer(operation), now + delayMs),
          steps,
        );
      await settlePromises();
      return true;
    },
  };
}

/** Waits independently of everything else; the signal ends it at once. */
function waitFor(signal: AbortSignal | undefined, add: (end: () => void) => () => void): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const remove = add(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    });
    const abort = () => {
      remove();
      resolve();
    };
    signal?.addEventListener("abort", abort, { once: true });
  });
}

type Waiting = Pick<Operation, "key" | "incarnation" | "idle" | "fault" | "describe" | "readyAt">;

function toLateAnswer({ key, incarnation, reject }: Operation, answer: () => void, readyAt: number): Operation {
  return {
    key,
    incarnation,
    fault: undefined,
    describe: () => "answers",
    act: nothing,
    resolve: answer,
    reject,
    readyAt,
  };
}

function nothing(): void {}

/** A process's life: from its start to its end. */
export interface Life {
  readonly node: number;
  readonly skewMs: number;
  /** The true instant until which it is frozen. */
  frozenUntil: number;
  /** True once it has ended. Code that still runs in it, because it cannot be stopped, has no effect. */
  isOver: boolean;
  /** Ends it now, as `kill -9` would; another one starts after so long. */
  crash(downMs: number): void;
}

/** The work that an idle process looks for. */
export type WorkKind = "events" | "tasks" | "sweep" | "queue";

/** Something that waits for its turn. */
interface Operation {
  readonly key: string;
  readonly incarnation: Life | undefined;
  /** It waits for work of this kind besides. */
  readonly idle?: WorkKind;
  readonly fault: Fault | undefined;
  /** Describes it, for the trace. */
  readonly describe: () => string;
  readonly act: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Not before this true instant. */
  readyAt: number;
}

/** Settles an operation for its caller. */
type Answer = (operation: Pick<Operation, "resolve" | "reject">) => void;

/**
 * Executes the operation unless its fault prevents that. Returns the pending result, or undefined when the process has
 * died and cannot receive it.
 */
async function performOperation({ fault, incarnation, act }: Operation): Promise<Answer | undefined> {
  const isBefore = fault !== undefined && "when" in fault && fault.when === "before";
  const answer = isBefore && fault.kind !== "delay" ? giveNothing : await toAnswer(act);
  if (fault?.kind === "crash") {
    incarnation?.crash(fault.downMs);
    return undefined;
  }
  return fault?.kind === "fail" ? refuse : answer;
}

/** Returns how long the result is delayed. */
function answerDelayMs({ fault }: Pick<Operation, "fault">): number {
  return fault?.kind === "delay" && fault.when === "after" ? fault.ms : 0;
}

async function toAnswer(act: () => unknown): Promise<Answer> {
  try {
    const value = await act();
    return ({ resolve }) => resolve(value);
  } catch (error) {
    return ({ reject }) => reject(error);
  }
}

const giveNothing: Answer = () => undefined;

const refuse: Answer = ({ reject }) =>
  reject(new StackyardError("STORE_UNAVAILABLE", "The simulated store does not answer."));

/** Everything that waits for its turn. */
interface OperationQueue {
  /**
   * Adds an operation. Among ready operations the lowest turn comes first, then the oldest one. Operations of an ended
   * process are never executed.
   */
  add(operation: Operation, turn: number): () => void;
  /** Takes the next one that is ready before the end, now or later. */
  takeNext(now: number): { readonly operation: Operation; readonly at: number } | undefined;
  /** Ends this process: drops its waiting operations and all later ones. */
  discard(incarnation: Life): void;
  /** Records when work of that kind is due, if any. With `always`, the waiting processes check at once. */
  noteDue(kind: WorkKind, dueAt: number | undefined, options: { readonly now: number; readonly always: boolean }): void;
}

interface Entry {
  readonly operation: Operation;
  readonly turn: number;
  readonly sequence: number;
  /** It looks for work whether there is some or not. */
  forced: boolean;
}

/** Creates an empty queue; operations that are due after the end are never taken. */
function createOperationQueue(endAt: number): OperationQueue {
  const entries = new Set<Entry>();
  const workAt: Partial<Record<WorkKind, number>> = {};
  let sequence = 0;

  function readyAtOf({ operation, forced }: Entry): number {
    const { readyAt, idle, incarnation } = operation;
    const awakeAt = Math.max(readyAt, incarnation?.frozenUntil ?? 0);
    if (idle === undefined || forced) return awakeAt;
    // By the clock of the process.
    return Math.max(awakeAt, (workAt[idle] ?? Number.POSITIVE_INFINITY) - (incarnation?.skewMs ?? 0));
  }

  function findNext(now: number): { readonly entry: Entry; readonly at: number } | undefined {
    let next: Entry | undefined;
    let nextAt = endAt;
    for (const entry of entries) {
      const at = Math.max(now, readyAtOf(entry));
      if (at > nextAt || (at === nextAt && next !== undefined && !isBefore(entry, next))) continue;
      next = entry;
      nextAt = at;
    }
    return next && { entry: next, at: nextAt };
  }

  return {
    add(operation, turn) {
      if (operation.incarnation?.isOver) return () => undefined;
      sequence += 1;
      const entry = { operation, turn, sequence, forced: false };
      entries.add(entry);
      return () => void entries.delete(entry);
    },
    takeNext(now) {
      const next = findNext(now);
      if (next === undefined) return undefined;
      entries.delete(next.entry);
      return { operation: next.entry.operation, at: next.at };
    },
    discard(incarnation) {
      incarnation.isOver = true;
      for (const entry of entries) if (entry.operation.incarnation === incarnation) entries.delete(entry);
    },
    noteDue(kind, dueAt, { now, always }) {
      if (dueAt === undefined) delete workAt[kind];
      else workAt[kind] = dueAt;
      // The sweep has no signals: it runs at its time.
      if (kind === "sweep" && !always) return;
      for (const entry of entries) if (entry.operation.idle === kind) wake(entry, now, always);
    },
  };
}

/** Wakes an entry; a delayed one has missed the signal. */
function wake(entry: Entry, now: number, always: boolean): void {
  const { operation } = entry;
  if (operation.fault?.kind === "delay") return;
  operation.readyAt = Math.min(operation.readyAt, now);
  if (always) entry.forced = true;
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.turn < b.turn || (a.turn === b.turn && a.sequence < b.sequence);
}
