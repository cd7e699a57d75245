import { defineExecutor, failed, running } from "@stackyard/core";
import { Type } from "typebox";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "./testing/eventually.ts";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

interface Stack {
  readonly state: string;
  readonly summary: string;
  readonly deeds?: readonly unknown[];
  readonly tasks: readonly {
    readonly status: string;
    readonly why: string;
    readonly attempt?: { readonly attemptId: string };
  }[];
}

let yard: TestYard;
afterEach(() => yard.stop());

const failing = defineExecutor({
  name: "script",
  config: Type.Object({}),
  async start(ctx) {
    ctx.report("trying hard");
    return failed({ code: "NOPE", message: "It broke.", retryable: true });
  },
});

const endless = defineExecutor({
  name: "script",
  config: Type.Object({}),
  progress: Type.Object({}),
  start: async () => running({ progress: {}, pollAfterMs: 60_000, message: "on its way" }),
  poll: async () => running({ progress: {}, pollAfterMs: 60_000, message: "on its way" }),
});

async function launchUntil(status: (stack: Stack) => boolean): Promise<Stack> {
  await yard.call("/v1/events", { body: { event: "LAUNCH", stackId: "a/b", machine: "review-app" } });
  return eventually(async () => {
    const stack = await yard.json<Stack>("/v1/stacks/a%2Fb");
    if (stack.state !== "UP" || !status(stack)) throw new Error("It did not come.");
    return stack;
  });
}

describe("operations", () => {
  it("retries a failed task and records who did it", async () => {
    yard = createTestYard({ executor: failing });
    yard.run();
    await launchUntil(({ tasks }) => tasks[0]?.status === "ERROR");

    const answer = await yard.call("/v1/stacks/a%2Fb/retry", { body: { reason: "again", id: "r1" } });

    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ eventId: "r1", stackId: "a/b", outcome: "applied" });
    const { items } = await yard.json<{ items: unknown[] }>("/v1/events/r1/history");
    expect(items).toMatchObject([{ event: "RETRY_FAILED_TASKS", actor: "tester", sent: ["create"] }]);
  });

  // argo-cd#20695, argo-cd#22178: the answer to a press that did nothing was that of the press before.
  it("marks the answer to an id that was used before: that request does nothing", async () => {
    yard = createTestYard({ executor: failing });
    yard.run();
    const attemptsOf = async (count: number) => {
      const { tasks } = await launchUntil(({ tasks }) => tasks[0]?.status === "ERROR");
      expect(tasks[0]).toMatchObject({ attempt: { attemptId: expect.stringMatching(new RegExp(`/${count}$`)) } });
    };
    await attemptsOf(1);
    const retry = (id: string) => yard.json("/v1/stacks/a%2Fb/retry", { body: { id } });

    const first = await retry("r1");
    await eventually(() => attemptsOf(2));
    const again = await retry("r1");
    await attemptsOf(2);
    const other = await retry("r2");

    expect(first).toMatchObject({ eventId: "r1", outcome: "applied" });
    expect(again).toEqual({ ...(first as object), repeated: true });
    expect(other).toMatchObject({ eventId: "r2", outcome: "applied" });
    for (const answer of [first, other]) expect(answer).not.toHaveProperty("repeated");
    await eventually(() => attemptsOf(3));
  });

  it("shows the log of an attempt", async () => {
    yard = createTestYard({ executor: failing });
    yard.run();
    const { tasks } = await launchUntil(({ tasks }) => tasks[0]?.status === "ERROR");
    const attemptId = encodeURIComponent(tasks[0]?.attempt?.attemptId ?? "");

    const log = await (await yard.call(`/v1/attempts/${attemptId}/log`)).text();
    const attempt = await yard.json(`/v1/attempts/${attemptId}`);

    expect(log).toContain("trying hard");
    expect(attempt).toMatchObject({ status: "settled", outcome: "failed", hasLog: true });
    expect(attempt).not.toHaveProperty("token");
  });

  it("explains why a task waits", async () => {
    yard = createTestYard({ executor: endless });
    yard.run();

    const { tasks, deeds } = await launchUntil(({ tasks }) => tasks[0]?.why.includes("on its way") === true);

    expect(tasks[0]).toMatchObject({ status: "PENDING", attempt: { status: "suspended" } });
    expect(deeds).toMatchObject([{ event: "LAUNCH", verdict: "open", lacks: [] }]);
  });

  it("cancels a running task", async () => {
    yard = createTestYard({ executor: endless });
    yard.run();
    await launchUntil(({ tasks }) => tasks[0]?.attempt !== undefined);

    const answer = await yard.call("/v1/stacks/a%2Fb/cancel", { body: { task: "create" } });

    expect(await answer.json()).toMatchObject({ outcome: "applied" });
  });

  it("refuses what was decided on something else than what is there", async () => {
    yard = createTestYard({ executor: failing });
    yard.run();
    await launchUntil(({ tasks }) => tasks[0]?.status === "ERROR");
    const { incarnation, entry } = await yard.json<{ incarnation: string; entry: number }>("/v1/stacks/a%2Fb");
    const body = { force: true, reason: "old", seen: { incarnation: "an-earlier-one" } };

    const answer = await yard.call("/v1/stacks/a%2Fb/remove", { body });
    const later = await yard.call("/v1/stacks/a%2Fb/acknowledge", {
      body: { seen: { incarnation, entry: entry + 1 } },
    });
    const odd = await yard.call("/v1/stacks/a%2Fb/remove", { body: { ...body, seen: { incarnations: "x" } } });

    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ code: "STACK_CHANGED" });
    expect([later.status, odd.status]).toEqual([409, 400]);
    expect(await yard.json("/v1/stacks/a%2Fb")).toMatchObject({ incarnation });
  });

  it("settles a task by hand", async () => {
    yard = createTestYard({ executor: failing });
    yard.run();
    await launchUntil(({ tasks }) => tasks[0]?.status === "ERROR");

    const body = { task: "create", as: "succeeded", reason: "done by hand" };
    const answer = await yard.call("/v1/stacks/a%2Fb/settle", { body });

    expect(await answer.json()).toMatchObject({ outcome: "applied" });
    expect(await yard.json("/v1/stacks/a%2Fb")).toMatchObject({ state: "IDLE" });
  });

  it("removes a stack only by force and with a reason", async () => {
    yard = createTestYard({ executor: failing });
    yard.run();
    await launchUntil(({ tasks }) => tasks[0]?.status === "ERROR");

    const without = await yard.call("/v1/stacks/a%2Fb/remove", { body: { force: true } });
    const removed = await yard.call("/v1/stacks/a%2Fb/remove", { body: { force: true, reason: "gone by hand" } });

    expect(without.status).toBe(400);
    expect(await removed.json()).toMatchObject({ outcome: "removed" });
    expect((await yard.call("/v1/stacks/a%2Fb")).status).toBe(404);
  });

  it("answers a refusal with its code and reason", async () => {
    yard = createTestYard({ executor: failing });
    yard.run();
    await launchUntil(({ tasks }) => tasks[0]?.status === "ERROR");

    const answer = await yard.call("/v1/stacks/a%2Fb/cancel", { body: { task: "create" } });

    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ code: "TASK_NOT_RUNNING", details: { outcome: "refused" } });
  });

  it("answers 404 for a stack that is not there", async () => {
    yard = createTestYard();

    const answer = await yard.call("/v1/stacks/none/retry", { body: {} });

    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ code: "STACK_UNKNOWN" });
  });

  it("answers 202 when no engine decides in time", async () => {
    yard = createTestYard({ limits: { outcomeMs: 300 }, executor: failing });
    yard.run();
    await launchUntil(({ tasks }) => tasks[0]?.status === "ERROR");
    await yard.halt();

    const answer = await yard.call("/v1/stacks/a%2Fb/retry", { body: { id: "r9" } });

    expect(answer.status).toBe(202);
    expect(await answer.json()).toEqual({ eventId: "r9", stackId: "a/b", outcome: "waiting", notes: [] });
  });
});
