import { expect, it } from "vitest";
import { ALL_INVARIANTS } from "./invariants/all-invariants.ts";
import type { PlantedBug } from "./plant.ts";
import { PLANTED_BUGS } from "./planted-bugs.ts";
import { runSeed, type SimulationRun } from "./run-plan.ts";
import { shrinkRun } from "./shrink-plan.ts";

const SEEDS = 200;
const TIMEOUT_MS = 120_000;
/** Where the search begins for bugs that the seeds before do not show. When a change of the simulator moves them, continue from there. */
const FIRST_SEEDS: Readonly<Record<string, number>> = {
  fencing: 15,
  schedule: 10,
  "attempt-count": 9,
  origins: 75,
  reaction: 63,
  "old-entries": 18,
  "failure-count": 11,
  redrive: 83,
  "begun-needs": 190,
  "move-waiting": 7,
  "move-sensitive": 274,
  "move-next": 336,
  "move-approval": 71,
  "move-timers": 30,
  "move-back": 42,
};

/** The same for runs that are short. */
const SHORT_SEEDS: Readonly<Record<string, number>> = {
  fencing: 53,
  "de-duplication": 15,
  outbox: 17,
  "version-check": 16,
};
/** A run without an end shows it soon. */
const MAX_STEPS = 5_000;

/** The first runs in which the invariant that is there for it notices the bug. */
async function findRuns(bug: PlantedBug, count: number, first: number): Promise<readonly SimulationRun[]> {
  const { plant, breaks } = bug;
  const found: SimulationRun[] = [];
  const options = breaks === "step-limit" ? { plant, maxSteps: MAX_STEPS } : { plant };
  for (let tried = 0; tried < SEEDS && found.length < count; tried += 1) {
    const run = await runSeed(first + tried, options);
    if (run.violations.some(({ invariant }) => invariant === breaks)) found.push(run);
  }
  return found;
}

/** Of some runs that show it the shortest: what is short becomes small. */
async function findShortRun(bug: PlantedBug): Promise<SimulationRun> {
  const runs = await findRuns(bug, 2, SHORT_SEEDS[bug.name] ?? 1);
  const [shortest] = runs.toSorted((a, b) => a.steps - b.steps);
  if (shortest === undefined) throw new Error("Nothing was found.");
  return shortest;
}

it.each(PLANTED_BUGS)(
  `finds a store without $name within ${SEEDS} seeds, by $breaks, and nothing wrong with one that has it`,
  async (bug) => {
    const [run] = await findRuns(bug, 1, FIRST_SEEDS[bug.name] ?? 1);
    if (run === undefined) throw new Error("Nothing was found.");

    expect((await runSeed(run.plan.seed)).violations).toEqual([]);
  },
  TIMEOUT_MS,
);

it("breaks each invariant by a store, but for what no store has a say in", () => {
  const broken = new Set(PLANTED_BUGS.map(({ breaks }) => breaks));

  const whole = ALL_INVARIANTS.map(({ name }) => name).filter((name) => !broken.has(name));

  // How a worker uses its grants is its own affair.
  expect(whole).toEqual(["starts-held"]);
});

/** To find out what may go takes hundreds of runs. */
const CUT = process.env["LONG_TESTS"] ? Object.keys(SHORT_SEEDS) : ["de-duplication", "version-check"];

it.each(CUT)(
  "cuts a run without %s down to a few actions and faults that still show it",
  async (name) => {
    const bug = PLANTED_BUGS.find((one) => one.name === name);
    if (bug === undefined) throw new Error("Unknown bug.");
    const run = await findShortRun(bug);

    const { plan, violations } = await shrinkRun(run, { plant: bug.plant, maxRuns: 500 });

    expect(violations[0]?.invariant).toBe(run.violations[0]?.invariant);
    expect(plan.actions.length).toBeLessThanOrEqual(5);
    expect(Object.keys(plan.faults).length + Object.keys(plan.work).length).toBeLessThanOrEqual(6);
  },
  TIMEOUT_MS,
);
