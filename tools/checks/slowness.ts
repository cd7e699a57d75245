import { createHash } from "node:crypto";

/** By it the first process of a run tells the others what it has measured. */
export const SLOWNESS = "TEST_SLOWNESS";

/** The time that `work` takes on an idle machine, rounded up. */
const USUAL_MS = 100;
const ROUNDS = 1_500;
const BYTES = 64 * 1_024;
const MOST = 10;

/**
 * Returns how many times slower this machine is now than an idle one, from 1 to 10: its processors are slower, or busy with other work.
 * Time limits of tests grow with it. Measured once in a run; the processes of the run get it in the environment.
 */
export function findSlowness(env: NodeJS.ProcessEnv = process.env, measure: () => number = measureWork): number {
  const given = Number(env[SLOWNESS]);
  const measured = given > 0 ? given : measure() / USUAL_MS;
  return Math.min(MOST, Math.max(1, measured));
}

/** Returns how long some work takes, in milliseconds. */
function measureWork(): number {
  const startedAt = performance.now();
  const bytes = Buffer.alloc(BYTES, 1);
  let digest = "";
  for (let round = 0; round < ROUNDS; round += 1) {
    digest = createHash("sha256").update(bytes).update(digest).digest("hex");
  }
  return performance.now() - startedAt;
}
