import { expect, it } from "vitest";
import { PLANTED_BUGS } from "./planted-bugs.ts";
import type { SimulationRun } from "./run-plan.ts";
import { runSeed } from "./run-seed.ts";
import { shrinkRun } from "./shrink-plan.ts";

const SEEDS = 60;
const TIMEOUT_MS = 60_000;

type Plant = (typeof PLANTED_BUGS)[number]["plant"];

/** The first run that shows the bug. */
async function findRun(plant: Plant): Promise<SimulationRun | undefined> {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const run = await runSeed(seed, { plant });
    if (run.violations.length > 0) return run;
  }
  return undefined;
}

/** Of the first runs that show it the shortest: what is short becomes small. */
async function findShortRun(plant: Plant): Promise<SimulationRun> {
  const runs: SimulationRun[] = [];
  for (let seed = 1; seed <= SEEDS; seed += 1) runs.push(await runSeed(seed, { plant }));
  const [shortest] = runs.filter(({ violations }) => violations.length > 0).sort((a, b) => a.steps - b.steps);
  if (shortest === undefined) throw new Error("Nothing was found.");
  return shortest;
}

it.each(PLANTED_BUGS)(
  `finds a store without $name within ${SEEDS} seeds`,
  async ({ plant, breaks }) => {
    const run = await findRun(plant);

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
