import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runPostgresCrashTest } from "../src/run-postgres-crash-test.ts";

// A process that dies with events in hand keeps them for half a minute.
const LIMIT_MS = 150_000;
const END_MS = 60_000;

it(
  "loses nothing, applies nothing twice and leaves nothing stuck when processes and their Postgres die and freeze",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "stackyard-crash-"));
    try {
      const { kills, freezes, hits, freezesOverLeases, ...damage } = await runPostgresCrashTest({
        folder,
        stacks: 100,
        transitions: 10,
        engines: 2,
        workers: 2,
        torments: 15,
        everyMs: 400,
        freezeMs: 3_000,
        limitMs: LIMIT_MS,
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
      expect(kills + freezes).toBeGreaterThan(3);
      expect(hits.postgres).toBeGreaterThan(0);
      expect(freezesOverLeases).toBeGreaterThan(0);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  LIMIT_MS + END_MS,
);
