import { type Clock, defined, isUnreadable, type Locator, mapLimited, type Store } from "@stackyard/core";
import type { PreviewPull, StackDetails } from "@stackyard/core/api";
import { type LoadedStack, loadLiveProcesses, type Planner, type StoredStack } from "@stackyard/core/engine";
import type { Machine } from "@stackyard/core/machine";
import { previewLinks } from "@stackyard/core/services";
import { type StackFacts, type StackReason, toStackDetails, toWaiting } from "../schemas/stack.ts";

/** Explains what stacks wait for. */
export interface StackExplainer {
  /** Returns undefined when the stack does not exist. */
  explain(loaded: LoadedStack): Promise<StackDetails | undefined>;
  /** Explains a page of a list, in its order; undefined for a stack that was removed meanwhile. */
  explainAll(stacks: readonly StoredStack[]): Promise<readonly (StackReason | undefined)[]>;
}

interface StackExplainerDeps {
  readonly store: Store;
  readonly locator: Locator;
  readonly clock: Clock;
  readonly planner: Pick<Planner, "findRevision">;
}

type Stack = StoredStack["stack"];
type Workers = StackFacts["workers"];

/** Concurrent lookups for one page. */
const AT_ONCE = 10;

/** Creates an explainer over the store: reads the processes once per page, and attempts only if a task is pending. */
export function createStackExplainer({ store, locator, clock, planner }: StackExplainerDeps): StackExplainer {
  async function findMachine(stack: Stack): Promise<Machine | undefined> {
    const own = await planner.findRevision(stack.machineHash);
    if (own?.revision === "pin") return own;
    // Without it the explanation is shorter, but still useful.
    const located = await locator.find(stack.machine).catch(() => undefined);
    return located?.kind === "found" && located.machine.states.has(stack.state) ? located.machine : own;
  }

  async function findWorkers(): Promise<Workers> {
    const live = await loadLiveProcesses(store.records, clock.now());
    // A yard in one process may list no processes; then liveness is unknown.
    return live.length === 0 ? undefined : live;
  }

  /** Loads a stack; undefined when a part of it cannot be read: the list still shows its record. */
  async function loadReadable(stackId: string): Promise<LoadedStack | undefined> {
    return unlessUnreadable(async () => (await store.load([stackId]))[0]);
  }

  async function findFacts(stack: Stack, workers: Workers, wantsAll: boolean): Promise<StackFacts> {
    const isPending = stack.tasks.some(({ status }) => status === "PENDING");
    const attempts = wantsAll || isPending ? await store.queries.listAttempts(stack.id) : [];
    return { attempts, workers, machine: await findMachine(stack) };
  }

  /** Returns the pull request of a stack. A link that cannot be read is missing; the page of previews reports it. */
  async function findPull({ id, machine }: Stack): Promise<PreviewPull | undefined> {
    const link = await unlessUnreadable(() => previewLinks.find({ records: store.records, clock }, id));
    if (link === undefined || (link.machine ?? machine) !== machine) return undefined;
    const { host, repository, number, url, title, head, owner } = link;
    return { host, repository, number, url, head, owner, ...defined({ title }) };
  }

  return {
    async explain(loaded) {
      if (loaded.stack === undefined) return undefined;
      const facts = await findFacts(loaded.stack, await findWorkers(), true);
      const details = toStackDetails(loaded, facts, clock.now());
      return details && { ...details, ...defined({ pull: await findPull(loaded.stack) }) };
    },
    async explainAll(stacks) {
      if (stacks.length === 0) return [];
      const workers = await findWorkers();
      // Some at a time: each stack brings all of its parked events.
      return mapLimited(stacks, AT_ONCE, async ({ stack }) => {
        const loaded = await loadReadable(stack.id);
        return loaded?.stack && toWaiting(loaded, await findFacts(loaded.stack, workers, false), clock.now());
      });
    },
  };
}

async function unlessUnreadable<Value>(read: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}
