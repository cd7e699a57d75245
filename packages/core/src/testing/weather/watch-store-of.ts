import type { Store } from "../../ports/store.ts";
import { callUnfrozen, findProcess } from "./freezable-process.ts";
import type { Sky } from "./story.ts";

/** The calls of a store that begin and end the step of an attempt. */
const STEPS: ReadonlySet<unknown> = new Set(["claim", "suspend", "settle"]);

/** Returns a view of a store for processes that can be frozen. Their steps are moments: `store.claim`, `store.settle`. */
export function watchStoreOf(store: Store, sky: Sky): Store {
  return new Proxy(store, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== "function" || name === "watch") return value;
      return (...args: readonly unknown[]) => {
        const run = () => Reflect.apply(value, target, args);
        if (findProcess() === undefined) return run();
        return STEPS.has(name) ? sky.meet(`store.${String(name)}`, {}, run) : callUnfrozen(async () => run());
      };
    },
  });
}
