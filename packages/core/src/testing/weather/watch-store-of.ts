import type { Records } from "../../ports/records.ts";
import type { Store } from "../../ports/store.ts";
import { callUnfrozen, findProcess } from "./freezable-process.ts";
import type { Sky } from "./story.ts";

/** The calls of a store that begin and end the step of an attempt. */
const STEPS: ReadonlySet<unknown> = new Set(["claim", "suspend", "settle"]);
/** The calls that change a record. */
const WRITES: ReadonlySet<unknown> = new Set(["put", "remove"]);

/**
 * Returns a view of a store for processes that can be frozen. Their steps are moments, and their changes of records:
 * `store.claim`, `store.settle`, `store.put`.
 */
export function watchStoreOf(store: Store, sky: Sky): Store {
  return watchCalls({ ...store, records: watchRecordsOf(store.records, sky) }, sky, STEPS);
}

/** Returns a view of records for processes that can be frozen. Their changes are moments: `store.put`, `store.remove`. */
export function watchRecordsOf(records: Records, sky: Sky): Records {
  return watchCalls(records, sky, WRITES);
}

function watchCalls<Port extends object>(port: Port, sky: Sky, moments: ReadonlySet<unknown>): Port {
  return new Proxy(port, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== "function" || name === "watch") return value;
      return (...args: readonly unknown[]) => {
        const run = () => Reflect.apply(value, target, args);
        if (findProcess() === undefined) return run();
        return moments.has(name) ? sky.meet(`store.${String(name)}`, {}, run) : callUnfrozen(async () => run());
      };
    },
  });
}
