import type { Clock } from "../../ports/clock.ts";
import type { Store } from "../../ports/store.ts";
import type { DueKind } from "../../ports/work-queue.ts";
import { countingIds, createRandom } from "../fake-clock.ts";
import { createKeys } from "./call-keys.ts";
import type { Chance } from "./chance.ts";
import type { WorkKind } from "./operation.ts";
import { performAction } from "./perform-action.ts";
import { createPlannedExecutors } from "./planned-executors.ts";
import { createPlannedLocator, type PlannedMachines } from "./planned-locator.ts";
import { createScheduler, type Scheduler, type SchedulerInput } from "./scheduler.ts";
import { createNode, type SimulatedNode } from "./simulated-node.ts";
import type { SimulationPlan } from "./simulation-plan.ts";

/** What a world is made of besides its plan. */
export interface WorldDeps {
  readonly store: Store;
  readonly chance: Chance;
  readonly machines: PlannedMachines;
  readonly count: (what: string) => void;
  readonly scheduler: Omit<SchedulerInput, "chance">;
}

/** A yard in virtual time that is ready for its first step. */
export interface World {
  readonly scheduler: Scheduler;
  /** Looks at the store for work; to be called after each step. */
  refreshDue(): Promise<void>;
}

const KINDS: Readonly<Record<WorkKind, readonly DueKind[]>> = {
  events: ["event"],
  tasks: ["task", "poll", "lapsedLease"],
  sweep: ["timer", "deadline", "parked"],
};

/** Puts the nodes up and plans the actions. */
export function createWorld(
  plan: SimulationPlan,
  { store: given, chance, machines, count, scheduler: input }: WorldDeps,
): World {
  const scheduler = createScheduler({ ...input, chance });
  const { store, refreshDue } = watchDue(given, scheduler);
  const ids = countingIds();
  const calls = new Map<string, number>();
  const countCall = (attempt: string): number => {
    const next = (calls.get(attempt) ?? 0) + 1;
    calls.set(attempt, next);
    return next;
  };
  const parts = { scheduler, chance, countCall };
  const keysOf = createKeys();
  const nodes: SimulatedNode[] = plan.nodes.map((node, index) => {
    const keyOf = keysOf(index);
    return createNode(index, node, {
      ...{
        store,
        scheduler,
        chance,
        ids,
        keyOf,
        random: createRandom(plan.seed + index),
        leaseMs: plan.leaseMs,
        noteFault: count,
      },
      createExecutors: (life) => createPlannedExecutors({ ...parts, life, keyOf }),
      createLocator: (life) => createPlannedLocator(machines, { life, keyOf, scheduler }),
      findNode: (other) => nodes[other],
    });
  });
  const clock: Clock = { now: scheduler.now, sleep: () => Promise.resolve() };
  const deps = { store, clock, ids, nodes, machines, scheduler };
  for (const [index, action] of plan.actions.entries()) {
    // Actions of one instant come in their order.
    const key = `action ${index}`;
    const act = () => performAction(deps, action);
    void scheduler.enter({ key, inMs: action.atMs, tell: () => JSON.stringify(action), act });
  }
  for (const node of nodes) node.start();
  return { scheduler, refreshDue };
}

/** A store that is looked at for work after each call that may have made some. */
function watchDue(store: Store, scheduler: Scheduler): { readonly store: Store; refreshDue(): Promise<void> } {
  let isStale = true;
  const known: Partial<Record<WorkKind, number | undefined>> = {};
  const stale = <Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>) => {
    return (...args: Args): Promise<Result> => {
      isStale = true;
      return call(...args);
    };
  };
  return {
    store: {
      ...store,
      enqueue: stale(store.enqueue),
      takeDue: stale(store.takeDue),
      acknowledge: stale(store.acknowledge),
      giveBack: stale(store.giveBack),
      commit: stale(store.commit),
      claim: stale(store.claim),
      renew: stale(store.renew),
      suspend: stale(store.suspend),
      settle: stale(store.settle),
      redrive: stale(store.redrive),
    },
    async refreshDue() {
      if (!isStale) return;
      isStale = false;
      for (const kind of WORK_KINDS) {
        const dueAt = await store.nextDueAt(KINDS[kind]);
        if (dueAt === known[kind]) continue;
        known[kind] = dueAt;
        scheduler.noteDue(kind, dueAt);
      }
    },
  };
}

const WORK_KINDS = ["events", "tasks", "sweep"] as const;
