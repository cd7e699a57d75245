import type { Chance, FaultPlace } from "./chance.ts";
import { answerDelayMs, type Life, type Operation, performOperation, type WorkKind } from "./operation.ts";
import { createOperationQueue, type OperationQueue } from "./operation-queue.ts";
import type { Fault } from "./simulation-plan.ts";

/** Something that a process, or the world outside, is about to do. */
export interface OperationInput<Result> {
  /** Names it within the run; what it may suffer hangs on this. */
  readonly key: string;
  readonly place?: FaultPlace;
  /** Whose it is; without one it suffers nothing. */
  readonly life?: Life;
  /** Not before so long from now. Default: 0. */
  readonly inMs?: number;
  /** What it is, for the trace. */
  readonly tell: () => string;
  readonly act: () => Result | Promise<Result>;
}

/** One step after the other over everything that waits: calls, sleepers, and what is planned. */
export interface Scheduler extends Pick<OperationQueue, "discard"> {
  /** The true time. */
  now(): number;
  /** Steps so far. */
  steps(): number;
  /** Waits for its turn, then acts. Never settles when its process dies. */
  enter<Result>(input: OperationInput<Result>): Promise<Result>;
  sleep(key: string, life: Life | undefined, ms: number, signal?: AbortSignal): Promise<void>;
  /** Sleeps until then, and then until there is work of that kind; a signal that there is some wakes it before. */
  idle(kind: WorkKind, key: string, life: Life, ms: number, signal?: AbortSignal): Promise<void>;
  /** When there is work of that kind. */
  noteDue(kind: WorkKind, dueAt: number | undefined, always?: boolean): void;
  /** Does one thing, or lets time pass until there is one; false: nothing is left before the end. */
  step(): Promise<boolean>;
}

/** What the scheduler tells of a step. */
export interface StepNote {
  readonly at: number;
  readonly key: string;
  readonly fault: Fault | undefined;
  tell(): string;
}

/** What a scheduler is made of. */
export interface SchedulerInput {
  readonly startAt: number;
  /** Time does not pass beyond. */
  readonly endAt: number;
  readonly chance: Chance;
  readonly onStep: (note: StepNote) => void;
}

// Idle processes look for work when everything else rests, unless they are in a hurry.
const IDLE_TURNS = 1_000;

/** A scheduler at the beginning of time. */
export function createScheduler({ startAt, endAt, chance, onStep }: SchedulerInput): Scheduler {
  const queue = createOperationQueue(endAt);
  let now = startAt;
  let steps = 0;

  const wait = (waiting: Waiting, turns: number, signal: AbortSignal | undefined) =>
    waitFor(signal, (end) => queue.add({ ...waiting, act: nothing, resolve: end, reject: nothing }, steps + turns));

  return {
    now: () => now,
    steps: () => steps,
    enter({ key, place = "call", life, inMs = 0, tell, act }) {
      const fault = life === undefined ? undefined : chance.findFault(key, place);
      const delayMs = fault?.kind === "delay" && fault.when === "before" ? fault.ms : 0;
      const turns = fault?.kind === "yield" ? fault.steps : 0;
      return new Promise((resolve, reject) => {
        // What it resolves with is what `act` gives.
        const settle = { resolve: resolve as Operation["resolve"], reject };
        queue.add({ key, life, fault, tell, act, readyAt: now + inMs + delayMs, ...settle }, steps + turns);
      });
    },
    sleep(key, life, ms, signal) {
      if (ms <= 0) return Promise.resolve();
      // As real clocks, this one counts whole milliseconds.
      return wait({ key, life, fault: undefined, tell: () => "is over", readyAt: now + Math.ceil(ms) }, 0, signal);
    },
    idle(kind, key, life, ms, signal) {
      const fault = chance.findFault(key, "idle");
      const readyAt = now + Math.max(Math.ceil(ms), fault?.kind === "delay" ? fault.ms : 0);
      const waiting = { key, life, idle: kind, fault, tell: () => "is over", readyAt };
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
      onStep({ at, key: operation.key, fault: operation.fault, tell: operation.tell });
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

/** Waits beside everything else; the signal ends it at once. */
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

type Waiting = Pick<Operation, "key" | "life" | "idle" | "fault" | "tell" | "readyAt">;

function toLateAnswer({ key, life, reject }: Operation, answer: () => void, readyAt: number): Operation {
  return { key, life, fault: undefined, tell: () => "answers", act: nothing, resolve: answer, reject, readyAt };
}

function nothing(): void {}

/** Everything that waits for nothing but promises has gone on when this resolves. */
function settlePromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
