import { AsyncLocalStorage } from "node:async_hooks";
import type { Clock } from "../../ports/clock.ts";

/** A process that can be frozen, as by SIGSTOP or the pause of a virtual machine, and continues later as if nothing had happened. */
export interface FreezableProcess {
  /** Its timers do not end while it is frozen. */
  readonly clock: Clock;
  /** Runs work as that of this process: its calls wait while it is frozen. */
  run<Result>(work: () => Result): Result;
  /** Freezes it until the promise of `thaw`, which is called while it is frozen, is settled. */
  freeze(thaw: () => Promise<unknown>): Promise<void>;
  /** Returns when it continues; undefined: it is not frozen. */
  frozen(): Promise<void> | undefined;
}

const running = new AsyncLocalStorage<FreezableProcess>();

/** Returns the process that does the current work; undefined: none that can be frozen. */
export function findProcess(): FreezableProcess | undefined {
  return running.getStore();
}

/** Does work that processes of a test share in memory, so that none of them is frozen in it. */
export function runShared<Result>(work: () => Result): Result {
  return running.exit(work);
}

/** Creates a process whose time is that of the clock. `onFreeze` is called when it is frozen. */
export function createFreezableProcess(clock: Clock, onFreeze: () => void = () => undefined): FreezableProcess {
  let frozen: Promise<void> | undefined;
  const process: FreezableProcess = {
    clock: {
      now: clock.now,
      async sleep(ms, signal) {
        await clock.sleep(ms, signal);
        while (frozen !== undefined) await frozen;
      },
    },
    run: (work) => running.run(process, work),
    frozen: () => frozen,
    async freeze(thaw) {
      onFreeze();
      const { promise: until, resolve } = Promise.withResolvers<void>();
      frozen = until;
      await thaw();
      if (frozen === until) frozen = undefined;
      resolve();
    },
  };
  return process;
}

/**
 * Creates a program that is called like a function of Lambda, or like a server behind a load balancer. When its process is
 * frozen, the caller gets an error at once, and later calls are served by another process; the frozen one continues its work
 * when it thaws. Lambda ends an invocation after fifteen minutes at most, so this is harder than Lambda is. `start` starts a
 * process, whose timers end by its own clock, and returns the function that does its work.
 */
export function createFreezableProgram<Input, Result>(
  clock: Clock,
  start: (own: Clock) => (input: Input) => Promise<Result>,
): (input: Input) => Promise<Result> {
  const begin = () => {
    const { promise: frozen, reject } = Promise.withResolvers<never>();
    frozen.catch(() => undefined);
    const process = createFreezableProcess(clock, () => {
      current = undefined;
      reject(new Error("The process does not answer."));
    });
    return { process, frozen, work: start(process.clock) };
  };
  let current: ReturnType<typeof begin> | undefined;
  return (input) => {
    current ??= begin();
    const { process, frozen, work } = current;
    const done = process.run(() => work(input));
    done.catch(() => undefined);
    return Promise.race([done, frozen]);
  };
}

/** Does the work of a call when the process is not frozen; its caller gets the answer when it is not frozen either. */
export async function callUnfrozen<Result>(call: () => Promise<Result>): Promise<Result> {
  const process = findProcess();
  for (let frozen = process?.frozen(); frozen !== undefined; frozen = process?.frozen()) await frozen;
  try {
    return await call();
  } finally {
    for (let frozen = process?.frozen(); frozen !== undefined; frozen = process?.frozen()) await frozen;
  }
}
