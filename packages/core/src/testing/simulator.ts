import { createCompileRevision } from "../engine/compile-revision.ts";
import { createEngine, type Engine, type EngineOptions } from "../engine/engine.ts";
import { createMemoryStore } from "../engine/memory-store.ts";
import { publishMessages } from "../engine/publish-messages.ts";
import { createStaticLocator, type SourcedMachine } from "../engine/static-locator.ts";
import { createWorker, type Worker } from "../engine/worker.ts";
import type { Stack } from "../machine/stack.ts";
import type { Random } from "../ports/clock.ts";
import type { Executor } from "../ports/executor.ts";
import { type Logger, silentLogger } from "../ports/logger.ts";
import type { StoredHistoryEntry } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import type { DueItem, DueKind } from "../ports/work-queue.ts";
import { type CrashingStore, createCrashingStore } from "./crashing-store.ts";
import { countingIds, createFakeClock, createRandom, type FakeClock } from "./fake-clock.ts";

/** What is simulated. */
export interface SimulatorInput {
  readonly machines: readonly SourcedMachine[];
  readonly executors: readonly Executor[];
  /** The same seed gives the same run. Default: 1. */
  readonly seed?: number;
  /** Default: 2. */
  readonly workers?: number;
  /** Probability that a process dies at a call of the store. Default: 0. */
  readonly crashRate?: number;
  readonly leaseMs?: number;
  readonly engine?: EngineOptions;
  readonly logger?: Logger;
}

/** A yard in virtual time: the real engine and workers over the memory store, under a seeded scheduler. */
export interface Simulator {
  readonly clock: FakeClock;
  readonly store: Store;
  /** Sends event messages; throws where one is not accepted. */
  publish(...messages: readonly object[]): Promise<void>;
  /** Works everything that is due now. */
  settle(): Promise<void>;
  /** Lets time pass, working everything at the instant at which it is due. */
  advance(ms: number): Promise<void>;
  findStack(stackId: string): Promise<Stack | undefined>;
  listHistory(stackId: string): Promise<readonly StoredHistoryEntry[]>;
  /** How many processes have died. */
  crashes(): number;
}

interface Process<Role> {
  readonly view: CrashingStore;
  readonly role: Role;
}

const ALL_KINDS: readonly DueKind[] = ["event", "task", "timer", "deadline", "poll", "parked", "lapsedLease"];
const TASK_KINDS: readonly DueKind[] = ["task", "poll", "lapsedLease"];
const QUEUE_LEASE_MS = 60_000;
const HISTORY_PAGE = 1_000;

/** A simulator at 2030-01-01T00:00:00Z with an empty yard. */
export function createSimulator(input: SimulatorInput): Simulator {
  const clock = createFakeClock();
  const ids = countingIds();
  const random = createRandom(input.seed ?? 1);
  const store = createMemoryStore();
  const processes = createProcesses(input, { clock, ids, random, store });
  const running = new Set<Promise<unknown>>();

  async function turn(): Promise<number> {
    const actions = shuffle([takeEvents, takeTask, () => processes.engine().sweep()], random);
    let worked = 0;
    for (const act of actions) worked += await act().catch(() => 1);
    await settlePromises();
    return worked;
  }

  async function takeEvents(): Promise<number> {
    const engine = processes.engine();
    const items = await take(["event"], 1 + Math.floor(random() * 8));
    const events = items.flatMap((item) => (item.kind === "event" ? [item] : []));
    if (events.length === 0) return 0;
    const outcomes = await engine.handle(
      events.map(({ event, receipt, deliveries }) => ({ event, storeReceipt: receipt, deliveries })),
    );
    const failed = events.filter((_, index) => outcomes[index]?.kind !== "done");
    await store.giveBack(
      failed.map(({ receipt }) => receipt),
      clock.now() + 1_000,
    );
    return events.length;
  }

  async function takeTask(): Promise<number> {
    const items = await take(TASK_KINDS, 1);
    for (const item of items) {
      if (!("message" in item)) continue;
      const { attemptId, message } = item;
      const work = processes
        .worker()
        .handle({ attemptId, message, deliveries: 1 })
        .catch(() => undefined)
        .finally(() => running.delete(work));
      running.add(work);
    }
    return items.length;
  }

  function take(kinds: readonly DueKind[], limit: number): Promise<readonly DueItem[]> {
    return store.takeDue({ kinds, now: clock.now(), limit, leaseMs: QUEUE_LEASE_MS });
  }

  async function settle(): Promise<void> {
    await settlePromises();
    for (let idle = 0; idle < 2; ) idle = (await turn()) === 0 ? idle + 1 : 0;
  }

  return {
    clock,
    store,
    settle,
    async publish(...messages) {
      const results = await publishMessages({ store, clock, ids }, messages);
      const refused = results.find((result) => result.kind === "invalid");
      if (refused !== undefined) throw new Error(`${refused.code}: ${refused.reason}`);
    },
    async advance(ms) {
      const end = clock.now() + ms;
      await settle();
      for (;;) {
        const dueAt = Math.min((await store.nextDueAt(ALL_KINDS)) ?? Infinity, clock.nextWakeAt() ?? Infinity);
        if (dueAt > end) break;
        await clock.advance(Math.max(1, dueAt - clock.now()));
        await settle();
      }
      await clock.advance(Math.max(0, end - clock.now()));
      await settle();
    },
    async findStack(stackId) {
      const [loaded] = await store.load([stackId]);
      return loaded?.stack;
    },
    async listHistory(stackId) {
      return (await store.listHistory({ stackId }, { limit: HISTORY_PAGE })).items;
    },
    crashes: processes.crashes,
  };
}

interface World {
  readonly clock: FakeClock;
  readonly ids: ReturnType<typeof countingIds>;
  readonly random: Random;
  readonly store: Store;
}

/** Engine and workers; one that has died is replaced by a fresh one when it is next needed. */
function createProcesses(input: SimulatorInput, world: World) {
  const executors = new Map(input.executors.map((executor) => [executor.name, executor]));
  const logger = input.logger ?? silentLogger;
  const locator = createStaticLocator(input.machines);
  const compile = createCompileRevision(executors);
  let crashes = 0;

  const view = () => createCrashingStore(world.store, () => drawCrash(world.random, input.crashRate ?? 0));

  function startEngine(): Process<Engine> {
    const own = view();
    return { view: own, role: createEngine({ ...world, store: own.store, locator, compile, logger }, input.engine) };
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

  const engines: Process<Engine>[] = [];
  const workers: Process<Worker>[] = [];
  return {
    engine: () => revive(engines, 0, startEngine),
    worker: () => revive(workers, Math.floor(world.random() * (input.workers ?? 2)), startWorker),
    crashes: () => crashes,
  };
}

function drawCrash(random: Random, rate: number): "before" | "after" | undefined {
  if (rate === 0 || random() >= rate) return undefined;
  return random() < 0.5 ? "before" : "after";
}

function shuffle<T>(items: readonly T[], random: Random): readonly T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

/** Lets everything that is not waiting for time go on. */
async function settlePromises(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
