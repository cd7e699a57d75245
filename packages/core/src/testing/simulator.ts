import { publishMessages } from "../engine/engine.ts";
import { recordLook } from "../engine/yard-absences.ts";
import type { Stack } from "../machine/stack.ts";
import { createMemoryStore } from "../memory/memory-store.ts";
import type { StoredHistoryEntry } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import { countingIds, createFakeClock, createRandom, type FakeClock } from "./fake-clock.ts";
import {
  createProcesses,
  type ProcessesInput,
  settlePromises,
  type TurnDeps,
  workTurn,
} from "./simulated-processes.ts";
import { ALL_INVARIANTS } from "./simulation/invariants/all-invariants.ts";
import { watchStore } from "./simulation/invariants/watch-store.ts";
import { ALL_KINDS } from "./store-conformance/store-builders.ts";
import type { FreezableProcess } from "./weather/freezable-process.ts";

/** The input of the simulator. */
export interface SimulatorInput extends ProcessesInput {
  /** The same seed always results in the same run. Default: 1. */
  readonly seed?: number;
  /** Probability that events are handed to two engines at once, as when a lease on them lapses. Default: 0. */
  readonly duplicateRate?: number;
  /** Shared with other simulations. Default: a fresh one. */
  readonly clock?: FakeClock;
  /** Wraps the store for the processes, such as one with a fault. */
  readonly wrapStore?: (store: Store) => Store;
}

/**
 * A yard in virtual time that a test drives by hand: the real engine and workers over the memory store, in an order
 * that depends on a seed. See `runSeed` for runs under every kind of fault.
 */
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
  /** Lists the history, oldest first. */
  listHistory(stackId: string): Promise<readonly StoredHistoryEntry[]>;
  /** Returns how many processes have died and were replaced. */
  crashes(): number;
  /** Returns the worker that runs a task now, and can be frozen. */
  findWorking(): FreezableProcess | undefined;
  /** Returns sentences about violations: items that were applied twice, overwritten, lost, or wait forever. */
  findViolations(): Promise<readonly string[]>;
}

const HISTORY_PAGE = 1_000;

/** Creates a simulator with an empty yard. */
export function createSimulator(input: SimulatorInput): Simulator {
  const clock = input.clock ?? createFakeClock();
  const ids = countingIds();
  const random = createRandom(input.seed ?? 1);
  const memory = createMemoryStore();
  const watch = watchStore(input.wrapStore?.(memory) ?? memory, ALL_INVARIANTS);
  const { store } = watch;
  const processes = createProcesses(input, { clock, ids, random, store });
  const deps: TurnDeps = { store, clock, random, processes, duplicateRate: input.duplicateRate ?? 0 };
  return {
    clock,
    store,
    settle: () => settle(deps),
    advance: (ms) => advance(deps, clock, ms),
    async publish(...messages) {
      const results = await publishMessages({ store, clock, ids }, messages);
      const refused = results.find((result) => result.kind === "invalid");
      if (refused !== undefined) throw new Error(`${refused.code}: ${refused.reason}`);
    },
    async findStack(stackId) {
      const [loaded] = await memory.load([stackId]);
      return loaded?.stack;
    },
    async listHistory(stackId) {
      return (await memory.queries.listHistory({ stackId }, { limit: HISTORY_PAGE })).items;
    },
    crashes: processes.crashes,
    findWorking: processes.findWorking,
    findViolations: async () => [...watch.violations.map(({ sentence }) => sentence), ...(await findStuck(memory))],
  };
}

async function settle(deps: TurnDeps): Promise<void> {
  await settlePromises();
  await recordLook(deps.store.records, deps.clock.now());
  for (let idle = 0; idle < 2; ) idle = (await workTurn(deps)) === 0 ? idle + 1 : 0;
}

async function advance(deps: TurnDeps, clock: FakeClock, ms: number): Promise<void> {
  const end = clock.now() + ms;
  await settle(deps);
  for (;;) {
    const dueAt = Math.min((await deps.store.nextDueAt(ALL_KINDS)) ?? Infinity, clock.nextWakeAt() ?? Infinity);
    if (dueAt > end) break;
    await pass(deps, clock, Math.max(1, dueAt - clock.now()));
  }
  await pass(deps, clock, Math.max(0, end - clock.now()));
}

/** Lets time pass in which the yard is there, although it sweeps only when something is due. */
async function pass(deps: TurnDeps, clock: FakeClock, ms: number): Promise<void> {
  await clock.advance(ms);
  await recordLook(deps.store.records, clock.now(), Number.POSITIVE_INFINITY);
  await settle(deps);
}

/**
 * Returns sentences about items that wait forever. Call it when no work is running; while events wait it returns none.
 */
export async function findStuck(store: Store): Promise<readonly string[]> {
  const { queuedEvents, queuedTasks, parkedEvents } = await store.queries.stats();
  if (queuedEvents + parkedEvents > 0) return [];
  const found: string[] = [];
  for (const { stack } of (await store.queries.listStacks({}, { limit: 1_000 })).items) {
    found.push(...(await findIdleRuns(store, stack, queuedTasks)), ...findIdleTasks(stack));
  }
  return found;
}

async function findIdleRuns(store: Store, { id, runs }: Stack, queuedTasks: number): Promise<readonly string[]> {
  const attempts = await Promise.all(runs.map(({ attemptId }) => store.findAttempt(attemptId)));
  return attempts.flatMap((attempt) => {
    if (attempt?.status === "settled") return [`${id}: the stack never received the end of ${attempt.attemptId}.`];
    if (attempt?.status === "unclaimed" && queuedTasks === 0) return [`No message of ${attempt.attemptId} is left.`];
    return [];
  });
}

function findIdleTasks({ id, tasks, runs, entry, timers, failed }: Stack): readonly string[] {
  const running = new Set(runs.filter((run) => run.entry === entry).map(({ task }) => task));
  // Tasks of version 2 may wait for each other, for runs of earlier entries, or for their next attempt.
  const idle = tasks.filter(({ name, status, detail }) => {
    if (status !== "PENDING" || running.has(name) || timers.some(({ task }) => task === name)) return false;
    return detail !== "WAITING" || (runs.length === 0 && failed !== true);
  });
  return idle.map(({ name }) => `${id}: the task "${name}" waits for nothing.`);
}
