import type { Random } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";

/** The error of calls by a process that has died. */
export class ProcessDied extends Error {
  constructor() {
    super("The process has died.");
    this.name = "ProcessDied";
  }
}

/** Decides at each call of a store, by its name, whether the process dies before it, after it, or not at all. */
type CrashDecision = (name: string) => "before" | "after" | undefined;

/** A process's view of a store: after its death its calls do not reach the store. */
export interface CrashingStore {
  readonly store: Store;
  isDead(): boolean;
  /** Dies now, as `kill -9` would. */
  die(): void;
}

/**
 * Creates a view of a store for one process that may die at each of its calls: those are the awaits at which a crash
 * matters.
 */
export function createCrashingStore(store: Store, decideCrash: CrashDecision): CrashingStore {
  let dead = false;
  const die = () => {
    dead = true;
  };

  function wrap<Port extends object>(port: Port): Port {
    return new Proxy(port, {
      get(target, name, receiver) {
        const value: unknown = Reflect.get(target, name, receiver);
        if (name === "revisions" || name === "records") return isObject(value) ? wrap(value) : value;
        if (typeof value !== "function" || name === "watch") return value;
        return (...args: readonly unknown[]) => call(String(name), () => Reflect.apply(value, target, args));
      },
    });
  }

  async function call(name: string, run: () => unknown): Promise<unknown> {
    if (dead) throw new ProcessDied();
    const crash = decideCrash(name);
    if (crash === "before") die();
    if (dead) throw new ProcessDied();
    const result = await run();
    if (crash === "after") die();
    // It may have died while the call was under way: the store has done its work, but no caller receives the result.
    if (dead) throw new ProcessDied();
    return result;
  }

  return { store: wrap(store), isDead: () => dead, die };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

const LONGEST = 4;

/** Returns a store whose calls wait a little, at random, so that those of several processes come in every order. */
export function createHesitantStore(store: Store, random: Random): Store {
  return new Proxy(store, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== "function" || name === "watch") return value;
      return async (...args: readonly unknown[]) => {
        for (let left = Math.floor(random() * LONGEST); left > 0; left -= 1) await Promise.resolve();
        return Reflect.apply(value, target, args);
      };
    },
  });
}
