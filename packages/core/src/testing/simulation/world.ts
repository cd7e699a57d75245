import { prepareJob, toJobEvent } from "../../engine/attempts/attempt-result.ts";
import { publishMessages } from "../../engine/engine.ts";
import { defined } from "../../machine/json.ts";
import type { Clock, Ids } from "../../ports/clock.ts";
import type { Grant } from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";
import type { DueKind } from "../../ports/work-queue.ts";
import { countingIds, createRandom } from "../fake-clock.ts";
import { createKeys } from "./call-keys.ts";
import type { Chance } from "./chance.ts";
import type { StoreWatch } from "./invariants/watch-store.ts";
import { createNodePresence } from "./node-presence.ts";
import {
  createPlannedExecutors,
  createPlannedLocator,
  PLANNED_DEFINITIONS,
  type PlannedMachines,
} from "./planned-machines.ts";
import { createScheduler, type Scheduler, type SchedulerInput, type WorkKind } from "./scheduler.ts";
import { createNode, type SimulatedNode } from "./simulated-node.ts";
import { createSimulatedQueue, type SimulatedQueue } from "./simulated-queue.ts";
import type { PlannedAction, PlannedPlugins, SimulationPlan } from "./simulation-plan.ts";

/** The dependencies of a world in addition to its plan. */
interface WorldDeps {
  /** The store, and everything else that is watched. */
  readonly watch: Pick<StoreWatch, "store" | "noteSent" | "noteGone" | "noteStarted">;
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

const KINDS: Readonly<Record<Exclude<WorkKind, "queue">, readonly DueKind[]>> = {
  events: ["event"],
  tasks: ["task", "poll", "lapsedLease"],
  sweep: ["timer", "deadline", "parked"],
};

/** Puts the nodes up and plans the actions. */
export function createWorld(
  plan: SimulationPlan,
  { watch, chance, machines, count, scheduler: input }: WorldDeps,
): World {
  const scheduler = createScheduler({ ...input, chance });
  const queue = createSimulatedQueue(scheduler.now);
  const { store: leased, loseLeases } = noteLeases(watch.store);
  const { store, refreshDue } = watchDue(leased, queue, scheduler);
  const ids = countingIds();
  const calls = new Map<string, number>();
  const countCall = (attempt: string): number => {
    const next = (calls.get(attempt) ?? 0) + 1;
    calls.set(attempt, next);
    return next;
  };
  const { noteStarted } = watch;
  const keysOf = createKeys();
  const noteGone = async (receipts: readonly string[]): Promise<void> => {
    await watch.noteGone(receipts.flatMap((receipt) => queue.remove(receipt) ?? []));
  };
  const shared = {
    store,
    scheduler,
    chance,
    ids,
    noteFault: count,
    presence: createNodePresence(scheduler.now),
    leaseMs: plan.leaseMs,
    refusedEvents: plan.refusedEvents ?? "park",
  } as const;
  const plugins = new Map<number, PlannedPlugins>();
  const nodes: SimulatedNode[] = plan.nodes.map((node, index) => {
    const keyOf = keysOf(index);
    return createNode(index, node, {
      ...shared,
      keyOf,
      random: createRandom(plan.seed + index),
      ...(plan.medium === "queue" ? { queue: { queue, noteGone } } : {}),
      createExecutors: (incarnation) => {
        const own = { plugins: plugins.get(index) ?? "all", incarnation, keyOf } as const;
        return createPlannedExecutors({ scheduler, chance, countCall, noteStarted, ...own });
      },
      createLocator: (incarnation) => createPlannedLocator(machines, { incarnation, keyOf, scheduler }),
      findNode: (other) => nodes[other],
    });
  });
  const door = plan.medium === "queue" ? createDoor(queue, watch) : store;
  const clock: Clock = { now: scheduler.now, sleep: () => Promise.resolve() };
  planActions(plan, scheduler, { store, loseLeases, door, clock, ids, nodes, machines, plugins, scheduler });
  for (const node of nodes) node.start();
  return { scheduler, refreshDue };
}

/** Actions of one instant come in their order. */
function planActions({ actions }: SimulationPlan, scheduler: Scheduler, deps: ActionDeps): void {
  for (const [index, action] of actions.entries()) {
    const act = () => performAction(deps, action);
    void scheduler.enter({ key: `action ${index}`, inMs: action.atMs, describe: () => JSON.stringify(action), act });
  }
}

/** Creates the entrance of outside events into a queue outside the store. */
function createDoor(queue: SimulatedQueue, { noteSent }: Pick<StoreWatch, "noteSent">): ActionDeps["door"] {
  return {
    async enqueue(events) {
      await noteSent(events);
      for (const event of events) queue.send(event);
      // A queue does not store which ids were used before.
      return events.map(() => true);
    },
  };
}

/** Wraps a store so that its leases can be lost. Receipts and grants that are invalid are ignored by the store. */
function noteLeases(store: Store): { readonly store: Store; loseLeases(store: Store, now: number): Promise<void> } {
  let receipts: string[] = [];
  let grants: Grant[] = [];
  return {
    store: {
      ...store,
      async takeDue(input) {
        const items = await store.takeDue(input);
        receipts.push(...items.flatMap((item) => (item.kind === "event" ? [item.receipt] : [])));
        return items;
      },
      async claim(input) {
        const result = await store.claim(input);
        if (result.kind === "granted") grants.push(result.grant);
        return result;
      },
      async commit(changes) {
        const results = await store.commit(changes);
        grants.push(...results.flatMap((result) => (result.kind === "committed" ? (result.grants ?? []) : [])));
        return results;
      },
    },
    async loseLeases({ release, renew }, now) {
      const lost = { receipts, grants };
      receipts = [];
      grants = [];
      await release(lost.receipts, now);
      for (const grant of lost.grants) await renew(grant, { leaseMs: 0, now });
    },
  };
}

/** Wraps a store so that it is checked for work after each call that may have created some. */
function watchDue(
  store: Store,
  queue: SimulatedQueue,
  scheduler: Scheduler,
): { readonly store: Store; refreshDue(): Promise<void> } {
  let isStale = true;
  const known: Partial<Record<WorkKind, number | undefined>> = {};
  const stale = <Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>) => {
    return (...args: Args): Promise<Result> => {
      isStale = true;
      return call(...args);
    };
  };
  function note(kind: WorkKind, dueAt: number | undefined): void {
    if (dueAt === known[kind]) return;
    known[kind] = dueAt;
    scheduler.noteDue(kind, dueAt);
  }

  return {
    store: {
      ...store,
      enqueue: stale(store.enqueue),
      takeDue: stale(store.takeDue),
      release: stale(store.release),
      commit: stale(store.commit),
      claim: stale(store.claim),
      renew: stale(store.renew),
      suspend: stale(store.suspend),
      settle: stale(store.settle),
      queries: { ...store.queries, redrive: stale(store.queries.redrive) },
    },
    async refreshDue() {
      note("queue", queue.nextDueAt());
      if (!isStale) return;
      isStale = false;
      for (const kind of WORK_KINDS) {
        note(kind, await store.nextDueAt(KINDS[kind]));
      }
    },
  };
}

const WORK_KINDS = ["events", "tasks", "sweep"] as const;

/** Dependencies of actions. */
interface ActionDeps {
  readonly store: Store;
  readonly loseLeases: (store: Store, now: number) => Promise<void>;
  /** Where events from outside come in. */
  readonly door: Pick<Store, "enqueue">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly nodes: readonly SimulatedNode[];
  readonly machines: PlannedMachines;
  /** What each process starts with. */
  readonly plugins: Map<number, PlannedPlugins>;
  readonly scheduler: Pick<Scheduler, "noteDue">;
}

/** Performs an action of the outside world from the plan. */
async function performAction(deps: ActionDeps, action: PlannedAction): Promise<void> {
  switch (action.do) {
    case "send":
      // Events that are refused here were never accepted.
      await publishMessages(
        { ...deps, store: { ...deps.door, queries: deps.store.queries } },
        [action.message],
        defined({ sender: action.sender }),
      );
      return;
    case "run":
      return startJob(deps, action.key);
    case "redrive":
      return redrive(deps);
    case "revise":
      deps.machines.revise(action.to);
      return lookForDocuments(deps);
    case "deploy":
      deps.machines.deploy(action.node, action.to);
      return lookForDocuments(deps);
    case "plugin":
      deps.plugins.set(action.node, action.has);
      return deps.nodes[action.node]?.kill(action.downMs);
    case "lose-leases":
      return deps.loseLeases(deps.store, deps.clock.now());
    case "kill":
      return deps.nodes[action.node]?.kill(action.downMs);
    case "stop":
      return deps.nodes[action.node]?.stop(action.downMs);
    case "freeze":
      return deps.nodes[action.node]?.freeze(action.forMs);
  }
}

/** Sweeps look for documents too. */
async function lookForDocuments({ store, scheduler }: ActionDeps): Promise<void> {
  scheduler.noteDue("sweep", await store.nextDueAt(["timer", "deadline", "parked"]), true);
}

async function startJob({ store, clock }: ActionDeps, key: string): Promise<void> {
  const executor = PLANNED_DEFINITIONS.get("work");
  if (executor === undefined) return;
  const run = prepareJob({ executor, config: {}, key });
  await store.revisions.put(run.revision, clock.now());
  await store.enqueue([toJobEvent(run, clock.now())]);
}

async function redrive({ store, clock }: ActionDeps): Promise<void> {
  const { items } = await store.queries.listDeadLetters({}, { limit: 100 });
  await store.queries.redrive(
    items.map(({ id }) => id),
    clock.now(),
  );
}
