import { AUDIT_KEY } from "../../access/signed-head.ts";
import { createMemoryStore } from "../../memory/memory-store.ts";
import type { Store } from "../../ports/store.ts";
import { type Chance, createPlannedChance, createRecordedChance } from "./chance.ts";
import { ALL_INVARIANTS } from "./invariants/all-invariants.ts";
import type { Violation } from "./invariants/invariant.ts";
import { type StoreWatch, watchStore } from "./invariants/watch-store.ts";
import { pickPlan } from "./pick-plan.ts";
import { createPlannedMachines } from "./planned-machines.ts";
import type { StepNote } from "./scheduler.ts";
import { type SimulationPlan, START_AT } from "./simulation-plan.ts";
import { createWorld, type World } from "./world.ts";

/** Options of a run that differ from the default. */
export interface JobOptions {
  /** Creates the store. Default: a new store in memory. */
  readonly createStore?: () => Store | Promise<Store>;
  /** Puts a bug into the store; see `PLANTED_BUGS`. */
  readonly plant?: (store: Store) => Store;
  /** Called with each step when it is done. */
  readonly onStep?: (line: string) => void;
  /** A run that takes longer breaks `step-limit`. Default: 20,000. */
  readonly maxSteps?: number;
}

/** A run and its result. */
export interface SimulationRun {
  readonly plan: SimulationPlan;
  /** Empty when all invariants held. The run ends with the first step that breaks one. */
  readonly violations: readonly Violation[];
  readonly steps: number;
  /** The duration in simulated time, in milliseconds. */
  readonly lastedMs: number;
  /** The number of faults of each kind, and other counts. */
  readonly counts: Readonly<Record<string, number>>;
  /** The number of checks of each invariant. */
  readonly checks: Readonly<Record<string, number>>;
}

const DAY_MS = 86_400_000;
/** The end of all waiting: work that is due later counts as lost. */
const END_AT = START_AT + 90 * DAY_MS;
const MAX_STEPS = 20_000;

/**
 * Runs a plan until everything is at rest or an invariant breaks. The same plan always results in the same run, step by
 * step.
 */
export function runPlan(plan: SimulationPlan, options: JobOptions = {}): Promise<SimulationRun> {
  return runWithChance(plan, createPlannedChance(plan), options);
}

/** Runs a plan as `runPlan` does, with the faults of the chance. */
export async function runWithChance(
  plan: SimulationPlan,
  chance: Chance,
  options: JobOptions & { readonly onNow?: (now: number) => void },
): Promise<SimulationRun> {
  const machines = createPlannedMachines(plan.machines);
  const store = (await options.createStore?.()) ?? createMemoryStore();
  // A yard makes a random key, with which no two runs would be the same.
  await store.records.put({ key: AUDIT_KEY, value: TEST_KEY, expected: "absent", now: START_AT });
  const watch = watchStore(options.plant?.(store) ?? store, ALL_INVARIANTS, { findMachine: machines.find });
  const counts = createCounts();
  const onStep = (note: StepNote): void => {
    options.onNow?.(note.at - START_AT);
    if (note.fault !== undefined) counts.add(note.fault.kind);
    options.onStep?.(toLine(note));
  };
  const { scheduler, refreshDue } = createWorld(plan, {
    watch,
    chance,
    machines,
    count: counts.add,
    scheduler: { startAt: START_AT, endAt: END_AT, onStep },
  });
  await goOn({ scheduler, refreshDue }, watch, options.maxSteps ?? MAX_STEPS);
  const checks = Object.fromEntries(watch.checks);
  const { violations } = watch;
  const lastedMs = scheduler.now() - START_AT;
  return { plan, violations, steps: scheduler.steps(), lastedMs, counts: counts.all(), checks };
}

async function goOn({ scheduler, refreshDue }: World, watch: StoreWatch, maxSteps: number): Promise<void> {
  await refreshDue();
  while (scheduler.steps() < maxSteps) {
    const isOn = await scheduler.step();
    if (watch.violations.length > 0) return;
    if (!isOn) return watch.checkRest();
    await refreshDue();
  }
  watch.note({ invariant: "step-limit", sentence: `The run has not ended after ${maxSteps} steps.` });
}

/** RFC 8037, appendix A.1. */
const TEST_KEY = {
  key: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
  secret: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
};

function toLine({ at, key, fault, describe }: StepNote): string {
  const what = `${at - START_AT} ${key} ${describe()}`;
  return fault === undefined ? what : `${what} !${JSON.stringify(fault)}`;
}

function createCounts() {
  const counts: Record<string, number> = {};
  return {
    add(what: string): void {
      counts[what] = (counts[what] ?? 0) + 1;
    },
    all: () => counts,
  };
}

/** Picks a plan and its faults, and runs it. The run's plan contains all random choices: `runPlan` repeats it. */
export async function runSeed(seed: number, options: JobOptions = {}): Promise<SimulationRun> {
  const { plan, chaos, calmAfterMs } = pickPlan(seed);
  let now = 0;
  const chance = createRecordedChance(plan, chaos, () => now > calmAfterMs);
  const run = await runWithChance(plan, chance, {
    ...options,
    onNow: (instant) => {
      now = instant;
    },
  });
  return { ...run, plan: { ...plan, faults: chance.faults, work: chance.work } };
}
