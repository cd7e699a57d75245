import type { Run } from "@stackyard/core/api";
import { describe, expect, it } from "vitest";
import { waitForRun } from "./runs-api.ts";

const open: Run = {
  runId: "run-1",
  state: "running",
  executor: "work",
  config: {},
  startedAt: "2026-01-01T00:00:00.000Z",
};
const failed: Run = { ...open, state: "failed", endedAt: "2026-01-01T00:01:00.000Z" };
const done: Run = { ...open, state: "succeeded", endedAt: "2026-01-01T00:02:00.000Z" };

function lookAt(...runs: readonly Run[]) {
  let looks = 0;
  return async () => {
    looks += 1;
    const run = runs[Math.min(looks, runs.length) - 1];
    if (run === undefined) throw new Error("Nothing to look at.");
    return run;
  };
}

describe("waitForRun", () => {
  it("reports each poll and resolves with any end", async () => {
    const seen: string[] = [];

    const run = await waitForRun(lookAt(open, open, failed), "run-1", {
      pollMs: 0,
      onLook: ({ state }) => void seen.push(state),
    });

    expect(run).toEqual(failed);
    expect(seen).toEqual(["running", "running", "failed"]);
  });

  it("waits on after an end that does not count", async () => {
    const run = await waitForRun(lookAt(failed, open, done), "run-1", { pollMs: 0, after: "2026-01-01T00:01:00.000Z" });

    expect(run).toEqual(done);
  });

  it("stops when its signal aborts, also during a poll", async () => {
    const stop = new AbortController();
    const waiting = waitForRun(
      ({ signal }) => new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
      "run-1",
      { signal: stop.signal },
    );

    stop.abort();

    await expect(waiting).rejects.toMatchObject({ code: "INTERRUPTED" });
  });

  it("gives up when its time is over", async () => {
    const waiting = waitForRun(lookAt(open), "run-1", { timeoutMs: 1, pollMs: 10_000 });

    await expect(waiting).rejects.toMatchObject({ code: "TIMED_OUT", message: expect.stringContaining("run-1") });
  });

  it("fails with what the look fails with", async () => {
    const look = async () => Promise.reject(new Error("no"));

    await expect(waitForRun(look, "run-1")).rejects.toThrow("no");
  });
});
