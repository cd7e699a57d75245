import type { Clock } from "@stackyard/core";
import { type FunctionInput, type Invocation, LAMBDA_LIMITS } from "./function-input.ts";
import { createInstance, type FunctionInstance } from "./function-instance.ts";

/** The instances of one function: as many as are called at a time, each with one call at a time, warm ones first. */
export interface FunctionPool {
  readonly input: FunctionInput;
  /** Calls the function now; undefined: it is throttled. */
  call(event: unknown): Promise<Invocation> | undefined;
  /** Calls it as soon as its concurrency allows; undefined: not before the signal. */
  callWhenFree(event: unknown, signal: AbortSignal): Promise<Invocation | undefined>;
  /** Calls that are under way. */
  readonly running: number;
  /** Ends all instances. */
  stop(): void;
}

/** Creates a pool without instances. */
export function createFunctionPool(input: FunctionInput, { clock }: { readonly clock: Clock }): FunctionPool {
  const most = input.reservedConcurrency ?? LAMBDA_LIMITS.accountConcurrency;
  const warm: FunctionInstance[] = [];
  const all = new Set<FunctionInstance>();
  const waiting = createWaitingRoom();
  let running = 0;
  let made = 0;

  function takeInstance(): FunctionInstance {
    const idle = warm.pop();
    if (idle !== undefined) return idle;
    made += 1;
    const instance = createInstance(input, { clock, number: made });
    all.add(instance);
    return instance;
  }

  async function run(event: unknown): Promise<Invocation> {
    running += 1;
    const instance = takeInstance();
    const invocation = await instance.call(event);
    if (instance.isAlive()) warm.push(instance);
    else all.delete(instance);
    running -= 1;
    waiting.wakeNext();
    return invocation;
  }

  return {
    input,
    get running() {
      return running;
    },
    call: (event) => (running < most ? run(event) : undefined),
    async callWhenFree(event, signal) {
      while (running >= most && !signal.aborted) await waiting.enter(signal);
      return signal.aborted ? undefined : run(event);
    },
    stop() {
      for (const instance of all) instance.kill();
    },
  };
}

/** Creates a waiting room, which wakes waiters in the order of their arrival. */
function createWaitingRoom() {
  const waiting = new Set<() => void>();
  return {
    wakeNext(): void {
      const [next] = waiting;
      next?.();
    },
    /** Waits until it is woken, or the signal is aborted. */
    enter(signal: AbortSignal): Promise<void> {
      return new Promise((resolve) => {
        function leave(): void {
          waiting.delete(leave);
          signal.removeEventListener("abort", leave);
          resolve();
        }
        waiting.add(leave);
        signal.addEventListener("abort", leave, { once: true });
      });
    },
  };
}
