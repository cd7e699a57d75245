import { defined } from "@stackyard/core";
import { JOB_MACHINE } from "@stackyard/core/machine";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

/** The attack: an event of the machine of jobs with a kept revision starts the job again, under any id. */
let yard: TestYard;
let jobId: string;
let revision: string;
let operator: string;

beforeEach(async () => {
  yard = createTestYard({ limits: { outcomeMs: 2_000 } });
  yard.run();
  const run = { executor: "script", config: {}, key: "nightly" };
  jobId = (await yard.json<{ jobId: string }>("/v1/jobs", { body: run })).jobId;
  await expect.poll(async () => (await yard.json<{ state: string }>(`/v1/jobs/${jobId}`)).state).toBe("succeeded");
  revision = (await yard.json<{ machineHash: string }>(`/v1/stacks/${jobId}`)).machineHash;
  const token = { name: "ci", role: "operator", stacks: ["web-", "run-"] };
  operator = (await yard.json<{ token: string }>("/v1/tokens", { body: token })).token;
});
afterEach(() => yard.stop());

const asOperator = () => ({ headers: { authorization: `Bearer ${operator}` } });
const START = () => ({ stackId: "web-j1", machine: JOB_MACHINE, event: "START", revision });

/** The name of a stack that is not there is not in the answer. */
async function publish(message: unknown, init: { readonly headers?: Record<string, string> } = {}) {
  const response = await yard.call("/v1/events", { body: message, ...init });
  return {
    status: response.status,
    ...((await response.json()) as { code?: string; details?: { denied?: number[] } }),
  };
}

async function outcomeOf(stackId: string, event: string) {
  const lines = await yard.json<{ items: { event: string; outcome: string; code?: string }[] }>(
    `/v1/stacks/${stackId}/history`,
  );
  return lines.items.find((line) => line.event === event);
}

describe("an event to the machine of jobs", () => {
  it.each([
    ["an operator of some stacks", asOperator],
    ["an administrator", () => ({})],
  ])("is forbidden to %s, whatever is sent with it", async (_, init) => {
    const envelope = { Type: "Notification", Message: JSON.stringify(START()) };
    const events = [{ stackId: "web-1", machine: "review-app", event: "LAUNCH" }, START()];

    for (const message of [
      START(),
      envelope,
      { detail: START() },
      { ...START(), event: "CANCEL_TASK", task: { name: "run" } },
    ]) {
      expect(await publish(message, init())).toMatchObject({ status: 403, code: "FORBIDDEN" });
    }
    expect(await publish(events, init())).toMatchObject({ status: 403, details: { denied: [1] } });
    expect(await outcomeOf("web-1", "LAUNCH")).toBeUndefined();
    expect((await yard.call("/v1/stacks/web-j1")).status).toBe(404);
  });

  it.each(["RETRY", "CLOSE", "START", "TASK_COMPLETED", "REMOVE_STACK"])(
    "is forbidden to an operator, and refused of an administrator, when it does not name the machine: %s",
    async (event) => {
      const message = { stackId: jobId, event, task: { name: "run" }, force: true, reason: "r" };

      expect(await publish(message, asOperator())).toMatchObject({ status: 403 });
      expect(await publish(message)).toMatchObject({ status: 202 });
      await expect.poll(() => outcomeOf(jobId, event)).toMatchObject({ outcome: "refused", code: "NOT_ALLOWED" });
      expect(await yard.json(`/v1/jobs/${jobId}`)).toMatchObject({ state: "succeeded" });
    },
  );

  it("is not previewed", async () => {
    const preview = await yard.json("/v1/stacks/web-j1/simulate", {
      body: defined({ ...START(), stackId: undefined }),
    });

    expect(preview).toMatchObject({ outcome: "refused", code: "NOT_ALLOWED", sent: [] });
  });
});

describe("a bulk operation", () => {
  const bulk = async (body: object) => {
    const response = await yard.call("/v1/bulk", { body, ...asOperator() });
    const answer = (await response.json()) as { id?: string; total?: number; code?: string; outcomes?: object[] };
    return { ...answer, status: response.status };
  };

  it("sends no events to jobs", async () => {
    const close = { operation: "send", body: { event: "CLOSE" } };

    expect(await bulk({ ...close, filter: { machine: JOB_MACHINE } })).toMatchObject({
      status: 403,
      code: "FORBIDDEN",
    });
    expect(await bulk({ ...close, filter: { state: "DONE" } })).toMatchObject({ status: 202, total: 0 });
    const { id } = await bulk({ ...close, filter: { ids: [jobId] } });
    await expect
      .poll(() => yard.json(`/v1/bulk/${id}`, asOperator()))
      .toMatchObject({ status: "done", counts: { refused: 1 } });
    expect((await yard.call(`/v1/stacks/${jobId}`)).status).toBe(200);
  });

  it("cancels and retries jobs as the operations of one do", async () => {
    const cancel = { operation: "cancel", filter: { ids: [jobId] }, body: { task: "run" }, dryRun: true };

    expect(await bulk(cancel)).toMatchObject({ status: 200, outcomes: [{ code: "TASK_NOT_CURRENT" }] });
  });
});

describe("the operations of stacks", () => {
  it("work for jobs, with the permission of each", async () => {
    const remove = { body: { force: true, reason: "no longer needed" } };

    expect((await yard.call(`/v1/stacks/${jobId}/remove`, { ...remove, ...asOperator() })).status).toBe(403);
    expect((await yard.call(`/v1/stacks/${jobId}/remove`, remove)).status).toBe(200);
    expect((await yard.call(`/v1/stacks/${jobId}`)).status).toBe(404);
  });
});

describe("the start of a job by an API token", () => {
  it("leaves its pair and its event in the audit log", async () => {
    const body = { name: "starter", role: "maintainer" };
    const { token } = await yard.json<{ token: string }>("/v1/tokens", { body });
    const headers = { authorization: `Bearer ${token}` };
    const run = await yard.json<{ jobId: string }>("/v1/jobs", { headers, body: { executor: "script", config: {} } });

    await expect
      .poll(async () => {
        const { items } = await yard.json<{ items: { action: string; outcome: string; who: { name: string } }[] }>(
          `/v1/audit?stack=${run.jobId}`,
        );
        const lines = items.map(({ action, outcome, who }) => `${who.name} ${action} ${outcome}`);
        return lines.toSorted();
      })
      .toEqual(["starter START done", "starter startJob begun", "starter startJob done"]);
  });
});
