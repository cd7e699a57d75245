import { S3Client } from "@aws-sdk/client-s3";
import type { SimPlugin } from "@stackyard/aws-sim";
import { createRandom, type FakeClock, settlePromises } from "@stackyard/core/testing";

/** The surroundings of a program, in place of those of this process. */
export interface Surroundings {
  readonly clock: FakeClock;
  readonly fetch: typeof fetch;
  /** Answers the clients of S3 that the program creates. */
  readonly s3: SimPlugin;
  readonly environment: Readonly<Record<string, string>>;
}

/** Turns of the event loop after which a program that waits for no call does nothing more by itself. */
const QUIET_TURNS = 8;

/** Counts the calls that are being answered, so that time passes between them only, and none is answered while it passes. */
export function createCallCount() {
  let open = 0;
  let passing: Promise<unknown> | undefined;
  return {
    /** Lets time pass. Calls of the program meanwhile wait for the end, so that every run has the same order. */
    async pass<Result>(work: () => Promise<Result>): Promise<Result> {
      const passed = work().finally(() => {
        passing = undefined;
      });
      passing = passed;
      return passed;
    },
    /** Begins a call when no time passes. */
    async begin(): Promise<void> {
      while (passing !== undefined) await passing;
    },
    async during<Answer>(answer: () => Promise<Answer>): Promise<Answer> {
      open += 1;
      try {
        return await answer();
      } finally {
        open -= 1;
      }
    },
    /** Resolves when the program waits for time. */
    async rest(): Promise<void> {
      for (let quiet = 0; quiet < QUIET_TURNS; quiet = open > 0 ? 0 : quiet + 1) await settlePromises();
    },
  };
}

/**
 * Runs a whole program in this process under other surroundings: its timers are those of the clock, and its random numbers
 * the same in every run. One program at a time.
 */
export async function runVirtually<Result>(around: Surroundings, work: () => Promise<Result>): Promise<Result> {
  const { clock, s3, environment } = around;
  const { setTimeout, clearTimeout, fetch } = globalThis;
  const { timeout } = AbortSignal;
  const { random } = Math;
  const { send } = S3Client.prototype;
  const before = Object.keys(environment).map((name) => [name, process.env[name]] as const);
  Object.assign(globalThis, { ...createTimers(clock), fetch: around.fetch });
  Object.assign(AbortSignal, { timeout: (ms: number) => createLimit(clock, ms) });
  Object.assign(Math, { random: createRandom(1) });
  Object.assign(process.env, environment);
  Object.assign(S3Client.prototype, {
    send(this: S3Client, ...input: unknown[]) {
      this.middlewareStack.use(s3);
      return Reflect.apply(send, this, input);
    },
  });
  try {
    return await work();
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout, fetch });
    Object.assign(AbortSignal, { timeout });
    Object.assign(Math, { random });
    Reflect.deleteProperty(S3Client.prototype, "send");
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

function createTimers(clock: FakeClock) {
  return {
    setTimeout(work: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) {
      const ending = new AbortController();
      void clock.sleep(Math.max(1, Math.trunc(ms)), ending.signal).then(() => ending.signal.aborted || work(...given));
      const timer = { ending, ref: () => timer, unref: () => timer, hasRef: () => true, refresh: () => timer };
      return timer;
    },
    clearTimeout: (timer?: { readonly ending?: AbortController }) => timer?.ending?.abort(),
  };
}

function createLimit(clock: FakeClock, ms: number): AbortSignal {
  const limit = new AbortController();
  void clock.sleep(ms).then(() => limit.abort(new DOMException("The time is over.", "TimeoutError")));
  return limit.signal;
}
