import { setTimeout } from "node:timers/promises";

/** Waits, with an end. */
export interface Waiting {
  /** Looks until there is something. Throws when that takes too long. */
  until<Found>(what: string, find: () => Promise<Found | undefined> | Found | undefined): Promise<Found>;
  /** Throws the reason of the signal when it is aborted first. */
  race<Result>(work: Promise<Result>): Promise<Result>;
}

/** The slowest waits for the end of a killed process's lease, which is 30 s. */
const WAIT_MS = 90_000;
const LOOK_MS = 100;

export function createWaiting(signal: AbortSignal): Waiting {
  function race<Result>(work: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const fail = () => reject(signal.reason);
      if (signal.aborted) return fail();
      signal.addEventListener("abort", fail, { once: true });
      work.then(resolve, reject).finally(() => signal.removeEventListener("abort", fail));
    });
  }

  return {
    race,
    async until(what, find) {
      const end = Date.now() + WAIT_MS;
      for (;;) {
        const found = await race(Promise.resolve(find()));
        if (found !== undefined) return found;
        if (Date.now() > end) throw new Error(`Waited ${WAIT_MS / 1_000} s for ${what}.`);
        await race(setTimeout(LOOK_MS));
      }
    },
  };
}
