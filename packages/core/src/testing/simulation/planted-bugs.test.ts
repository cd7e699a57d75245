import { expect, it } from "vitest";
import { PLANTED_BUGS } from "./planted-bugs.ts";
import type { SimulationRun } from "./run-plan.ts";
import { runSeed } from "./run-seed.ts";
import { shrinkRun } from "./shrink-plan.ts";

const SEEDS = 200;
const TIMEOUT_MS = 120_000;

type Plant = (typeof PLANTED_BUGS)[number]["plant"];

/** The first runs that show the bug. */
async function findRuns(plant: Plant, count: number): Promise<readonly SimulationRun[]> {
  const found: SimulationRun[] = [];
  for (let seed = 1; seed <= SEEDS && found.length < count; seed += 1) {
    const run = await runSeed(seed, { plant });
    if (run.violations.length > 0) found.push(run);
  }
  return found;
}

/** Of the first runs that show it the shortest: what is short becomes small. */
async function findShortRun(plant: Plant): Promise<SimulationRun> {
  const [shortest] = [...(await findRuns(plant, 4))].sort((a, b) => a.steps - b.steps);
  if (shortest === undefined) throw new Error("Nothing was found.");
  return shortest;
}

it.each(PLANTED_BUGS)(
  `finds a store without $name within ${SEEDS} seeds`,
  async ({ plant, breaks }) => {
    const [run] = await findRuns(plant, 1);

    expect(breaks).toContain(run?.violations[0]?.invariant ?? "nothing");
  },
  TIMEOUT_MS,
);

it.each(["fencing", "de-duplication", "outbox", "version-check"])(
  "cuts a run without %s down to a few actions and faults that still show it",
  async (name) => {
    const plant = PLANTED_BUGS.find((bug) => bug.name === name)?.plant ?? ((store) => store);
    const run = await findShortRun(plant);

    const { plan, violations } = await shrinkRun(run, { plant, maxRuns: 500 });

    expect(violations[0]?.invariant).toBe(run.violations[0]?.invariant);
    expect(plan.actions.length).toBeLessThanOrEqual(5);
    expect(Object.keys(plan.faults).length + Object.keys(plan.work).length).toBeLessThanOrEqual(6);
  },
  TIMEOUT_MS,
);
