import { defineExecutor, failed, running, silentLogger, succeeded } from "@stackyard/core";
import { createMemoryStore, createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { createServer } from "@stackyard/server";
import { Type } from "typebox";
import { afterEach, describe, expect, it } from "vitest";
import { Stackyard, type StackyardOptions } from "../index.ts";
import { createJobsClient } from "./index.ts";

const TOKEN = "a-token-of-the-tests";

let end: () => Promise<void>;
afterEach(() => end());

/** Does what its config says. */
const scripted = defineExecutor({
  name: "script",
  config: Type.Object({ how: Type.Enum(["done", "broken", "endless"]) }),
  progress: Type.Unknown(),
  async start(ctx, { how }) {
    for (const page of [0, 1]) {
      const key = `job-report/${ctx.stackId}/000${page}`;
      await ctx.records.put({ key, value: { page }, expected: "absent", now: ctx.clock.now() });
    }
    ctx.report(`line one of ${how}`);
    if (how === "broken") return failed({ code: "NOPE", message: "It broke.", retryable: false });
    return how === "done" ? succeeded({ n: 1 }) : running({ progress: {}, pollAfterMs: 60_000, message: "on its way" });
  },
  poll: async () => running({ progress: {}, pollAfterMs: 60_000, message: "on its way" }),
  cancel: async () => failed({ code: "STOPPED", message: "", retryable: false }),
});

async function connect(): Promise<Stackyard> {
  return new Stackyard(await serve());
}

async function serve(): Promise<StackyardOptions> {
  const executors = new Map([["script", scripted]]);
  const store = createMemoryStore();
  const locator = createStaticLocator([]);
  const deps = { store, locator, executors, clock: systemClock, ids: createUlids(), logger: silentLogger };
  const server = createServer({ ...deps, version: "0.0.0" }, { port: 0, tokens: [{ name: "tester", token: TOKEN }] });
  const { url } = await server.start();
  const yard = startYard(deps, { drainMs: 100 });
  end = async () => {
    await server.stop();
    await yard.stop();
    await store.close();
  };
  return { url, token: TOKEN };
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("client.jobs", () => {
  it("starts a job, waits for its end and reads its report", async () => {
    const { jobs } = await connect();

    const { jobId } = await jobs.start({ executor: "script", config: { how: "done" } });
    const job = await jobs.wait(jobId, { pollMs: 10 });

    expect(job).toMatchObject({ jobId, state: "succeeded", outputs: { n: 1 } });
    expect(await collect(jobs.report(jobId))).toEqual([{ page: 0 }, { page: 1 }]);
    expect(await collect(jobs.report(jobId, { limit: 1 }))).toEqual([{ page: 0 }, { page: 1 }]);
    expect(await jobs.log(jobId)).toBe("line one of done");
    expect((await jobs.list({ state: "succeeded" })).items).toEqual([job]);
  });

  it("finds the same job by the same key", async () => {
    const { jobs } = await connect();
    const config = { how: "done" };

    const first = await jobs.start({ executor: "script", config, key: "job-7" });
    const again = await jobs.start({ executor: "script", config, key: "job-7" });

    expect(again.jobId).toBe(first.jobId);
  });

  it("retries a failed job, and rejects a running one", async () => {
    const { jobs } = await connect();
    const broken = await jobs.start({ executor: "script", config: { how: "broken" } });
    const { endedAt = "" } = await jobs.wait(broken.jobId, { pollMs: 10 });

    await jobs.retry(broken.jobId, { reason: "again" });
    const after = await jobs.wait(broken.jobId, { pollMs: 10, after: endedAt });
    const endless = await jobs.start({ executor: "script", config: { how: "endless" } });

    expect(after).toMatchObject({ state: "failed", error: { code: "NOPE", message: "It broke." } });
    expect(after.endedAt).not.toBe(endedAt);
    await expect(jobs.retry(endless.jobId)).rejects.toMatchObject({ code: "OUTCOME_NEGATIVE" });
  });

  it("cancels a job", async () => {
    const { jobs } = await connect();
    const { jobId } = await jobs.start({ executor: "script", config: { how: "endless" } });
    await expect.poll(async () => (await jobs.get(jobId)).message).toBe("on its way");

    await jobs.cancel(jobId, { reason: "wrong fleet" });

    expect(await jobs.wait(jobId, { pollMs: 10 })).toMatchObject({ state: "cancelled" });
  });

  it("says what is unknown and what does not fit", async () => {
    const { jobs } = await connect();

    expect(await jobs.log("run-0")).toBe("");
    await expect(jobs.get("run-0")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(jobs.start({ executor: "none", config: {} })).rejects.toMatchObject({ code: "EXECUTOR_UNKNOWN" });
    await expect(jobs.start({ executor: "script", config: {} })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("are had without the rest of the client", async () => {
    const jobs = createJobsClient(await serve());

    const { jobId } = await jobs.start({ executor: "script", config: { how: "done" } });

    expect(await jobs.wait(jobId, { pollMs: 5 })).toMatchObject({ jobId, state: "succeeded" });
  });
});
