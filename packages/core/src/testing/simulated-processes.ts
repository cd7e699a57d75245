import type { AwsAccess } from "../engine/attempts/executor-context.ts";
import { createStaticLocator, type SourcedMachine } from "../engine/built-in-ports.ts";
import { createEngine, type Engine, type EngineOptions } from "../engine/engine.ts";
import { createWorker, type Worker } from "../engine/workers/worker.ts";
import { provideYard } from "../engine/yard-service/provide-yard.ts";
import { defined } from "../machine/json.ts";
import type { Clock, Ids, Random } from "../ports/clock.ts";
import { type Executor, type Logger, type ProvidedService, silentLogger } from "../ports/executor.ts";
import type { Locator } from "../ports/locator.ts";
import type { Store } from "../ports/store.ts";
import type { DueItem, DueKind } from "../ports/work-queue.ts";
import { type CrashingStore, createCrashingStore, createHesitantStore } from "./crashing-store.ts";
import { createFreezableProcess, type FreezableProcess } from "./weather/freezable-process.ts";

/** The processes to simulate. */
export interface ProcessesInput {
  readonly machines: readonly SourcedMachine[];
  readonly executors: readonly Executor[];
  /** Default: 2. */
  readonly engines?: number;
  /** Default: 2. */
  readonly workers?: number;
  /** Probability that a process dies at a call of the store. Default: 0. */
  readonly crashRate?: number;
  /** The one call of the store, counted over all processes from 1, at which a process dies besides. */
  readonly crashAt?: { readonly call: number; readonly when: "before" | "after" };
  /** The lease of the workers' claims, in milliseconds. */
  readonly leaseMs?: number;
  readonly engine?: EngineOptions;
  readonly logger?: Logger;
  /** The executors' access to AWS. Default: none. */
  readonly aws?: AwsAccess;
  /** What the workers provide to executors besides the yard. Default: nothing. */
  readonly services?: readonly ProvidedService[];
  /** Instead of `machines`. */
  readonly locator?: Locator;
}

/** The shared parts of the simulated processes. */
interface World {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly store: Store;
}

/** An engine and workers; one that has died or is frozen is replaced by a fresh one when it is next needed. */
interface SimulatedProcesses {
  /** Returns a random engine. */
  engine(): Engine;
  /** Returns a random worker. */
  worker(): Worker;
  /** Returns how many processes were replaced. */
  crashes(): number;
  /** Returns the worker that runs a task now. */
  findWorking(): FreezableProcess | undefined;
}

interface Process<Role> {
  readonly view: CrashingStore;
  readonly role: Role;
  readonly freezable?: FreezableProcess;
}

/** Processes that are started when they are first needed. */
export function createProcesses(input: ProcessesInput, world: World): SimulatedProcesses {
  const executors = new Map(input.executors.map((executor) => [executor.name, executor]));
  const logger = input.logger ?? silentLogger;
  const locator = input.locator ?? createStaticLocator(input.machines);
  const engines: Process<Engine>[] = [];
  const workers: Process<Worker>[] = [];
  let crashes = 0;
  let calls = 0;

  function decideCrash(): "before" | "after" | undefined {
    calls += 1;
    return calls === input.crashAt?.call ? input.crashAt.when : pickCrash(world.random, input.crashRate ?? 0);
  }

  const hesitant = createHesitantStore(world.store, world.random);
  const view = () => createCrashingStore(hesitant, decideCrash);

  function startEngine(): Process<Engine> {
    const own = view();
    return { view: own, role: createEngine({ ...world, store: own.store, locator, executors, logger }, input.engine) };
  }

  function startWorker(): Process<Worker> {
    const own = view();
    const freezable = createFreezableProcess(world.clock);
    const { clock } = freezable;
    const deps = { ...world, clock, store: own.store, executors, logger, ...defined({ aws: input.aws }) };
    const services = [provideYard({ ...deps, locator }), ...(input.services ?? [])];
    const worker = createWorker(deps, { ...defined({ leaseMs: input.leaseMs }), services });
    const handle: Worker["handle"] = (delivery, limits) => freezable.run(() => worker.handle(delivery, limits));
    return { view: own, role: { ...worker, handle }, freezable };
  }

  function revive<Role>(slots: Process<Role>[], index: number, start: () => Process<Role>): Role {
    const present = slots[index];
    const isFrozen = present?.freezable?.frozen() !== undefined;
    if (present !== undefined && !isFrozen && !present.view.isDead()) return present.role;
    if (present !== undefined && !isFrozen) crashes += 1;
    const fresh = start();
    slots[index] = fresh;
    return fresh.role;
  }

  const draw = (count: number) => Math.floor(world.random() * count);

  return {
    engine: () => revive(engines, draw(input.engines ?? 2), startEngine),
    worker: () => revive(workers, draw(input.workers ?? 2), startWorker),
    crashes: () => crashes,
    // Workers that were not needed yet are holes.
    findWorking: () => Object.values(workers).find(({ role }) => role.running().length > 0)?.freezable,
  };
}

function pickCrash(random: Random, rate: number): "before" | "after" | undefined {
  if (rate === 0 || random() >= rate) return undefined;
  return random() < 0.5 ? "before" : "after";
}

/** The dependencies of a turn of the scheduler. */
export interface TurnDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly processes: SimulatedProcesses;
  /** Probability that events are handed to a second engine while the first still works them. */
  readonly duplicateRate: number;
}

const TASK_KINDS: readonly DueKind[] = ["task", "poll", "lapsedLease"];
const QUEUE_LEASE_MS = 60_000;
const MAX_EVENTS = 8;

/** Processes events, tasks and the sweep at the same time, in random order. Returns the number of processed items. */
export async function workTurn(deps: TurnDeps): Promise<number> {
  const actions = shuffle([takeEvents, takeEvents, takeTask, sweep], deps.random);
  // A process that dies here counts as work: the next one continues.
  const worked = await Promise.all(actions.map((act) => act(deps).catch(() => 1)));
  await settlePromises();
  return worked.reduce((sum, count) => sum + count, 0);
}

async function takeEvents(deps: TurnDeps): Promise<number> {
  const engine = deps.processes.engine();
  const limit = 1 + Math.floor(deps.random() * MAX_EVENTS);
  const leaseMs = deps.random() < deps.duplicateRate ? 0 : QUEUE_LEASE_MS;
  const items = await take(deps, ["event"], limit, leaseMs);
  const events = items.flatMap((item) => (item.kind === "event" ? [item] : []));
  if (events.length === 0) return 0;
  const deliveries = events.map(({ event, receipt, deliveries: count }) => {
    return { event, storeReceipt: receipt, deliveries: count };
  });
  const outcomes = await engine.handle(deliveries);
  const failed = events.filter((_, index) => outcomes[index]?.kind !== "done");
  await deps.store.release(
    failed.map(({ receipt }) => receipt),
    deps.clock.now() + 1_000,
  );
  return events.length;
}

async function takeTask(deps: TurnDeps): Promise<number> {
  const items = await take(deps, TASK_KINDS, 1);
  for (const item of items) {
    if (!("message" in item)) continue;
    const { attemptId, message } = item;
    // It may wait for time, which passes only when everybody waits. A worker that dies leaves the attempt to another.
    void deps.processes
      .worker()
      .handle({ attemptId, message, deliveries: 1 })
      .catch(() => undefined);
  }
  return items.length;
}

function sweep({ processes }: TurnDeps): Promise<number> {
  return processes.engine().sweep();
}

function take(
  { store, clock }: TurnDeps,
  kinds: readonly DueKind[],
  limit: number,
  leaseMs = QUEUE_LEASE_MS,
): Promise<readonly DueItem[]> {
  return store.takeDue({ kinds, now: clock.now(), limit, leaseMs });
}

function shuffle<T>(items: readonly T[], random: Random): readonly T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

/** Runs everything that is not waiting for time. */
export async function settlePromises(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
