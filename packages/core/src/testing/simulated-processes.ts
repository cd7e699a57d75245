import { createStaticLocator, type SourcedMachine } from "../engine/built-in-ports.ts";
import { createEngine, type Engine, type EngineOptions } from "../engine/engine.ts";
import { createWorker, type Worker } from "../engine/worker.ts";
import type { Clock, Ids, Random } from "../ports/clock.ts";
import type { Executor } from "../ports/executor.ts";
import type { Locator } from "../ports/locator.ts";
import { type Logger, silentLogger } from "../ports/logger.ts";
import type { Store } from "../ports/store.ts";
import { type CrashingStore, createCrashingStore } from "./crashing-store.ts";
import { createHesitantStore } from "./hesitant-store.ts";

/** What processes are simulated. */
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
  /** Of the workers' claims. */
  readonly leaseMs?: number;
  readonly engine?: EngineOptions;
  readonly logger?: Logger;
  /** Instead of `machines`. */
  readonly locator?: Locator;
}

/** What the simulated processes share. */
export interface World {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly store: Store;
}

/** An engine and workers; one that has died is replaced by a fresh one when it is next needed. */
export interface SimulatedProcesses {
  /** One of the engines, by chance. */
  engine(): Engine;
  /** One of the workers, by chance. */
  worker(): Worker;
  /** How many processes were replaced. */
  crashes(): number;
}

interface Process<Role> {
  readonly view: CrashingStore;
  readonly role: Role;
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
    return calls === input.crashAt?.call ? input.crashAt.when : drawCrash(world.random, input.crashRate ?? 0);
  }

  const hesitant = createHesitantStore(world.store, world.random);
  const view = () => createCrashingStore(hesitant, decideCrash);

  function startEngine(): Process<Engine> {
    const own = view();
    return { view: own, role: createEngine({ ...world, store: own.store, locator, executors, logger }, input.engine) };
  }

  function startWorker(): Process<Worker> {
    const own = view();
    const options = input.leaseMs === undefined ? {} : { leaseMs: input.leaseMs };
    return { view: own, role: createWorker({ ...world, store: own.store, executors, logger }, options) };
  }

  function revive<Role>(slots: Process<Role>[], index: number, start: () => Process<Role>): Role {
    const present = slots[index];
    if (present !== undefined && !present.view.isDead()) return present.role;
    if (present !== undefined) crashes += 1;
    const fresh = start();
    slots[index] = fresh;
    return fresh.role;
  }

  const draw = (count: number) => Math.floor(world.random() * count);

  return {
    engine: () => revive(engines, draw(input.engines ?? 2), startEngine),
    worker: () => revive(workers, draw(input.workers ?? 2), startWorker),
    crashes: () => crashes,
  };
}

function drawCrash(random: Random, rate: number): "before" | "after" | undefined {
  if (rate === 0 || random() >= rate) return undefined;
  return random() < 0.5 ? "before" : "after";
}
