import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runCrashTest } from "../src/run-crash-test.ts";

it("loses nothing, applies nothing twice and leaves nothing stuck when the yard's process is killed again and again", async () => {
  const folder = await mkdtemp(join(tmpdir(), "stackyard-crash-"));
  try {
    const { kills, killsAtStart, ...damage } = await runCrashTest({
      folder,
      stacks: 200,
      transitions: 10,
      kills: 15,
      lifeMs: [20, 120],
      limitMs: 100_000,
    });

    expect(damage).toEqual({
      lostEvents: 0,
      doubleEvents: 0,
      wrongWays: 0,
      tasksThatNeverRan: 0,
      stuckStacks: 0,
      leftOvers: 0,
      ownExits: [],
    });
    expect(kills).toBeGreaterThan(3);
    expect(killsAtStart).toBeGreaterThan(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
