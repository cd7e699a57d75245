import type { Random } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";

const LONGEST = 4;

/** A store whose calls wait a little, as chance has it, so that those of several processes come in every order. */
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
