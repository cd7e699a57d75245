import type { Job } from "@stackyard/core/api";
import { describe, expect, it } from "vitest";
import { waitForJob } from "./jobs-api.ts";

const open: Job = {
  jobId: "run-1",
  state: "running",
  executor: "work",
  config: {},
  startedAt: "2026-01-01T00:00:00.000Z",
};
const failed: Job = { ...open, state: "failed", endedAt: "2026-01-01T00:01:00.000Z" };
const done: Job = { ...open, state: "succeeded", endedAt: "2026-01-01T00:02:00.000Z" };

function lookAt(...jobs: readonly Job[]) {
  let looks = 0;
  return async () => {
    looks += 1;
    const job = jobs[Math.min(looks, jobs.length) - 1];
    if (job === undefined) throw new Error("Nothing to look at.");
    return job;
  };
}

describe("waitForJob", () => {
  it("reports each poll and resolves with any end", async () => {
    const seen: string[] = [];

    const job = await waitForJob(lookAt(open, open, failed), "run-1", {
      pollMs: 0,
      onLook: ({ state }) => void seen.push(state),
    });

    expect(job).toEqual(failed);
    expect(seen).toEqual(["running", "running", "failed"]);
  });

  it("waits on after an end that does not count", async () => {
    const job = await waitForJob(lookAt(failed, open, done), "run-1", { pollMs: 0, after: "2026-01-01T00:01:00.000Z" });

    expect(job).toEqual(done);
  });

  it("stops when its signal aborts, also during a poll", async () => {
    const stop = new AbortController();
    const waiting = waitForJob(
      ({ signal }) => new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
      "run-1",
      { signal: stop.signal },
    );

    stop.abort();

    await expect(waiting).rejects.toMatchObject({ code: "INTERRUPTED" });
  });

  it("gives up when its time is over", async () => {
    const waiting = waitForJob(lookAt(open), "run-1", { timeoutMs: 1, pollMs: 10_000 });

    await expect(waiting).rejects.toMatchObject({ code: "TIMED_OUT", message: expect.stringContaining("run-1") });
  });

  it("fails with what the look fails with", async () => {
    const look = async () => Promise.reject(new Error("no"));

    await expect(waitForJob(look, "run-1")).rejects.toThrow("no");
  });
});
