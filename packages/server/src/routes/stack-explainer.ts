import { type Clock, isStackyardError, type Locator, type Store } from "@stackyard/core";
import { type createPlanner, type LoadedStack, loadLiveProcesses, type StoredStack } from "@stackyard/core/engine";
import type { Machine } from "@stackyard/core/machine";
import { type StackDetails, type StackFacts, toStackDetails, toWaiting, type Waiting } from "../schemas/stack.ts";

/** Says what stacks wait for. */
export interface StackExplainer {
  /** Undefined: there is no such stack. */
  explain(loaded: LoadedStack): Promise<StackDetails | undefined>;
  /** For a page of a list, in its order; undefined for a stack that has gone meanwhile. */
  explainAll(stacks: readonly StoredStack[]): Promise<readonly (Waiting | undefined)[]>;
}

export interface StackExplainerDeps {
  readonly store: Store;
  readonly locator: Locator;
  readonly clock: Clock;
  readonly planner: Pick<ReturnType<typeof createPlanner>, "findRevision">;
}

type Stack = StoredStack["stack"];
type Workers = StackFacts["workers"];

/** Look-ups of one page that are under way at once. */
const AT_ONCE = 10;

/** An explainer over the store: one look at the processes a page, attempts only where a task is pending. */
export function createStackExplainer({ store, locator, clock, planner }: StackExplainerDeps): StackExplainer {
  async function findMachine(stack: Stack): Promise<Machine | undefined> {
    const own = await planner.findRevision(stack.machineHash);
    if (own?.revision === "pin") return own;
    // Without it less is said; that is no reason to say nothing.
    const located = await locator.find(stack.machine).catch(() => undefined);
    return located?.kind === "found" && located.machine.states.has(stack.state) ? located.machine : own;
  }

  async function findWorkers(): Promise<Workers> {
    const live = await loadLiveProcesses(store.records, clock.now());
    // A yard in one process may list nobody: then nobody knows who lives.
    return live.length === 0 ? undefined : live;
  }

  /** Undefined when something of the stack cannot be read: the list still shows its record. */
  async function loadReadable(stackId: string): Promise<LoadedStack | undefined> {
    try {
      return (await store.load([stackId]))[0];
    } catch (error) {
      if (isStackyardError(error, "STORE_CORRUPT")) return undefined;
      throw error;
    }
  }

  async function findFacts(stack: Stack, workers: Workers, wantsAll: boolean): Promise<StackFacts> {
    const isPending = stack.tasks.some(({ status }) => status === "PENDING");
    const attempts = wantsAll || isPending ? await store.queries.listAttempts(stack.id) : [];
    return { attempts, workers, machine: await findMachine(stack) };
  }

  return {
    async explain(loaded) {
      if (loaded.stack === undefined) return undefined;
      return toStackDetails(loaded, await findFacts(loaded.stack, await findWorkers(), true), clock.now());
    },
    async explainAll(stacks) {
      if (stacks.length === 0) return [];
      const workers = await findWorkers();
      const waiting: (Waiting | undefined)[] = [];
      for (let start = 0; start < stacks.length; start += AT_ONCE) {
        // Some at a time: each stack brings all of its parked events.
        const part = await Promise.all(stacks.slice(start, start + AT_ONCE).map(({ stack }) => loadReadable(stack.id)));
        const told = part.map(async (each) => {
          return each?.stack && toWaiting(each, await findFacts(each.stack, workers, false), clock.now());
        });
        waiting.push(...(await Promise.all(told)));
      }
      return waiting;
    },
  };
}
