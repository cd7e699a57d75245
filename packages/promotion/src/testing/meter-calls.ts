import { AsyncLocalStorage } from "node:async_hooks";
import type { Executor, Store } from "@stackyard/core";

/** The cost of one call of an executor. */
export interface CallCost {
  /** The counts of its calls of the store, by the names of the methods, such as `load` and `queries.listStacks`. */
  readonly statements: Map<string, number>;
  /** Milliseconds of CPU of this process. */
  cpuMs: number;
}

/** Counts what calls of an executor cost. */
export interface CallMeter {
  readonly wrapStore: (store: Store) => Store;
  readonly plant: (executor: Executor) => Executor;
  /** One for each call, in their order. */
  readonly costs: CallCost[];
}

/** Creates the parts of a yard with releases that count. */
export function meterCalls(): CallMeter {
  const present = new AsyncLocalStorage<CallCost>();
  const costs: CallCost[] = [];
  const count = (name: string) => {
    const { statements } = present.getStore() ?? {};
    statements?.set(name, (statements.get(name) ?? 0) + 1);
  };
  async function meter<Result>(call: () => Promise<Result>): Promise<Result> {
    const cost: CallCost = { statements: new Map(), cpuMs: 0 };
    costs.push(cost);
    const begun = process.cpuUsage();
    const result = await present.run(cost, call);
    const { user, system } = process.cpuUsage(begun);
    cost.cpuMs = (user + system) / 1_000;
    return result;
  }
  return {
    costs,
    wrapStore: (store) => countCalls(store, "", count),
    plant(executor) {
      const { start, poll } = executor;
      return {
        ...executor,
        start: (ctx, config) => meter(() => start(ctx, config)),
        ...(poll && { poll: (ctx, config, progress) => meter(() => poll(ctx, config, progress)) }),
      };
    },
  };
}

function countCalls<Part extends object>(part: Part, prefix: string, count: (name: string) => void): Part {
  return new Proxy(part, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value === "object" && value !== null) return countCalls(value, `${prefix}${String(name)}.`, count);
      if (typeof value !== "function") return value;
      return (...args: readonly unknown[]) => {
        count(`${prefix}${String(name)}`);
        return Reflect.apply(value, target, args);
      };
    },
  });
}

/** All calls of the store. */
export function countStatements({ statements }: CallCost): number {
  return [...statements.values()].reduce((sum, count) => sum + count, 0);
}
