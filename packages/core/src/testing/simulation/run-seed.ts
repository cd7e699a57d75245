import { createRecordedChance } from "./chance.ts";
import { drawPlan } from "./draw-plan.ts";
import { type RunOptions, runWithChance, type SimulationRun } from "./run-plan.ts";

/** Draws a plan and what goes wrong in it, and runs it. The run's plan holds all that was drawn: `runPlan` repeats it. */
export async function runSeed(seed: number, options: RunOptions = {}): Promise<SimulationRun> {
  const { plan, chaos, calmAfterMs } = drawPlan(seed);
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
