import type { SimulatedYard } from "./simulated-yard.ts";

/** How a release ended. */
export interface Release {
  readonly state: string;
  /** The reason if a task failed. */
  readonly reason: string | undefined;
  /** Virtual time. */
  readonly seconds: number;
}

const RESTING = new Set(["LIVE", "BROKEN"]);
const STEP_MS = 1_000;
const MAX_STEPS = 3_600;

/** Releases a revision and lets time pass until the service rests again. */
export async function release({ yard }: SimulatedYard, revision: string): Promise<Release> {
  const startedAt = yard.clock.now();
  const at = new Date(startedAt).toISOString();
  const before = (await yard.listHistory("shop")).length;
  await yard.publish({
    id: `release-${revision}`,
    event: "RELEASED",
    stackId: "shop",
    machine: "release",
    at,
    metadata: { revision },
  });
  for (let step = 0; step < MAX_STEPS; step++) {
    await letPass(yard);
    const history = (await yard.listHistory("shop")).slice(before);
    const state = (await yard.findStack("shop"))?.state ?? "";
    if (!RESTING.has(state) || !history.some(({ to, from }) => to === state && from !== state)) continue;
    const reason = history.findLast(({ event }) => event === "TASK_ERROR")?.description;
    return { state, reason, seconds: (yard.clock.now() - startedAt) / 1_000 };
  }
  throw new Error(`The release of revision ${revision} has not ended within ${MAX_STEPS} steps.`);
}

/** Advances the time; pending requests to AWS are answered within the step. */
async function letPass(yard: SimulatedYard["yard"]): Promise<void> {
  await yard.advance(STEP_MS);
  for (let turn = 0; turn < 8; turn++) await yard.settle();
}
