import { defineExecutor, failed, running, type Step, succeeded } from "@stackyard/core";
import { Type } from "typebox";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

interface Job {
  readonly jobId: string;
  readonly state: string;
  readonly endedAt?: string;
}

let yard: TestYard;
let answer: Step;
let starts: number;

const scripted = defineExecutor({
  name: "script",
  config: Type.Object({ n: Type.Optional(Type.Integer()) }, { additionalProperties: true }),
  progress: Type.Unknown(),
  async start() {
    starts += 1;
    return answer;
  },
  poll: async () => answer,
  cancel: async () => failed({ code: "STOPPED", message: "It was stopped.", retryable: false }),
});
const GOES_ON = running({ progress: {}, pollAfterMs: 60_000, message: "half of it" });

beforeEach(() => {
  answer = succeeded({ done: 3 });
  starts = 0;
  yard = createTestYard({ executor: scripted });
});
afterEach(() => yard.stop());

const start = (body: object = {}) =>
  yard.json<Job>("/v1/jobs", { body: { executor: "script", config: { n: 1 }, key: "job-7", ...body } });

async function startUntil(state: string): Promise<Job> {
  const { jobId } = await start();
  await expect.poll(async () => (await yard.json<Job>(`/v1/jobs/${jobId}`)).state).toBe(state);
  return yard.json(`/v1/jobs/${jobId}`);
}

describe("POST /v1/jobs", () => {
  it("answers at once, before a worker processes it", async () => {
    const job = await start();

    expect(job).toEqual({
      jobId: expect.stringMatching(/^run-[0-9a-f]{32}$/),
      state: "waiting",
      executor: "script",
      config: { n: 1 },
      startedAt: expect.stringMatching(/Z$/),
    });
  });

  it("finds the same job for the same key, and works once", async () => {
    yard.run();
    const job = await startUntil("succeeded");

    const again = await start({ config: { n: 2 } });

    expect(again).toEqual(job);
    expect(again).toMatchObject({ outputs: { done: 3 }, config: { n: 1 } });
    expect(starts).toBe(1);
  });

  it("keeps who has started it", async () => {
    yard.run();
    const { jobId } = await startUntil("succeeded");

    const { items } = await yard.json<{ items: object[] }>(`/v1/stacks/${jobId}/history?order=oldest`);

    expect(items[0]).toMatchObject({ event: "START", actor: "tester" });
  });

  it.each([
    ["an unknown executor", { executor: "none" }, 422, "EXECUTOR_UNKNOWN"],
    ["a config that does not fit", { config: { n: "x" } }, 422, "CONFIG_INVALID"],
    ["half a target", { target: { region: "eu-central-1" } }, 422, "CONFIG_INVALID"],
    ["a config that is too large", { config: { text: "x".repeat(262_144) } }, 413, "PAYLOAD_TOO_LARGE"],
    ["no config", { config: undefined }, 400, "USAGE"],
    ["a key with a line's end", { key: "a\nb" }, 422, "CONFIG_INVALID"],
    ["no time at all", { timeoutMs: 0 }, 400, "USAGE"],
  ])("rejects %s", async (_what, more, status, code) => {
    const response = await yard.call("/v1/jobs", { body: { executor: "script", config: {}, ...more } });

    expect([response.status, await response.json()]).toEqual([status, expect.objectContaining({ code })]);
  });

  it("requires a token, as all routes do", async () => {
    const headers = { authorization: "Bearer wrong" };

    const calls = await Promise.all([
      yard.call("/v1/jobs", { body: {}, headers }),
      yard.call("/v1/jobs", { headers }),
      yard.call("/v1/jobs/run-1", { headers }),
      yard.call("/v1/jobs/run-1/report", { headers }),
      yard.call("/v1/jobs/run-1/cancel", { body: {}, headers }),
      yard.call("/v1/jobs/run-1/retry", { body: {}, headers }),
    ]);

    expect(calls.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 401]);
  });
});

describe("GET /v1/jobs", () => {
  it("lists by state and executor", async () => {
    yard.run();
    const job = await startUntil("succeeded");

    const found = await yard.json<{ items: Job[] }>("/v1/jobs?state=succeeded&executor=script");
    const others = await yard.json<{ items: Job[] }>("/v1/jobs?state=running");
    const odd = await yard.call("/v1/jobs?state=odd");

    expect([found.items, others.items, odd.status]).toEqual([[job], [], 400]);
  });

  it("answers 404 for an unknown job and for an invalid id", async () => {
    const unknown = await yard.call("/v1/jobs/run-0");
    const none = await yard.call("/v1/jobs/..%2Fx");

    expect([unknown.status, none.status]).toEqual([404, 400]);
  });
});

describe("POST /v1/jobs/{id}/cancel and /retry", () => {
  it("stops a job, and starts it again", async () => {
    answer = GOES_ON;
    yard.run();
    const { jobId } = await startUntil("running");

    const asked = await yard.call(`/v1/jobs/${jobId}/cancel`, { body: { reason: "wrong one" } });
    await expect.poll(async () => (await yard.json<Job>(`/v1/jobs/${jobId}`)).state).toBe("cancelled");
    answer = succeeded({});
    const retried = await yard.call(`/v1/jobs/${jobId}/retry`, { body: {} });
    await expect.poll(async () => (await yard.json<Job>(`/v1/jobs/${jobId}`)).state).toBe("succeeded");

    expect([asked.status, retried.status, starts]).toEqual([200, 200, 2]);
    const { items } = await yard.json<{ items: object[] }>(`/v1/stacks/${jobId}/history?order=oldest`);
    expect(items).toContainEqual(
      expect.objectContaining({ event: "CANCEL_TASK", actor: "tester", reason: "wrong one" }),
    );
  });

  it("rejects to try a job again that has not failed", async () => {
    yard.run();
    const { jobId } = await startUntil("succeeded");

    const response = await yard.call(`/v1/jobs/${jobId}/retry`, { body: {} });

    expect([response.status, await response.json()]).toEqual([
      409,
      expect.objectContaining({ code: "OUTCOME_NEGATIVE", detail: expect.stringContaining("is succeeded") }),
    ]);
  });

  it("answers 202 while no engine has decided", async () => {
    await yard.stop();
    yard = createTestYard({ executor: scripted, limits: { outcomeMs: 1 } });
    const { jobId } = await start();

    const response = await yard.call(`/v1/jobs/${jobId}/cancel`, { body: {} });

    expect([response.status, await response.json()]).toEqual([202, expect.objectContaining({ state: "waiting" })]);
  });
});

describe("GET /v1/jobs/{id}/report", () => {
  it("gives the pages that the executor has written, some at a time", async () => {
    const { jobId } = await start();
    for (const n of [0, 1, 2]) {
      const key = `job-report/${jobId}/000${n}`;
      await yard.store.records.put({ key, value: { n }, expected: "absent", now: yard.clock.now() });
    }

    const first = await yard.json<{ items: unknown[]; cursor: string }>(`/v1/jobs/${jobId}/report?limit=2`);
    const rest = await yard.json(`/v1/jobs/${jobId}/report?cursor=${encodeURIComponent(first.cursor)}`);

    expect([first.items, rest]).toEqual([[{ n: 0 }, { n: 1 }], { items: [{ n: 2 }] }]);
  });

  it("is empty for a job that has none, and unknown for no job", async () => {
    const { jobId } = await start();

    expect(await yard.json(`/v1/jobs/${jobId}/report`)).toEqual({ items: [] });
    expect((await yard.call("/v1/jobs/run-0/report")).status).toBe(404);
  });
});
