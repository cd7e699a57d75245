import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runPostgresCrashTest } from "../src/run-postgres-crash-test.ts";

it("loses nothing, applies nothing twice and leaves nothing stuck when processes and their Postgres die and freeze", async () => {
  const folder = await mkdtemp(join(tmpdir(), "stackyard-crash-"));
  try {
    const { kills, freezes, ...damage } = await runPostgresCrashTest({
      folder,
      stacks: 100,
      transitions: 10,
      engines: 2,
      workers: 2,
      torments: 14,
      everyMs: 400,
      freezeMs: 1_500,
      limitMs: 150_000,
    });

    expect(damage).toEqual({
      lostEvents: 0,
      doubleEvents: 0,
      wrongWays: 0,
      tasksThatNeverRan: 0,
      stuckStacks: 0,
      leftOvers: 0,
    });
    expect(kills + freezes).toBeGreaterThan(3);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
