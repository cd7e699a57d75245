import { defineExecutor, failed, running, type Step, succeeded } from "@stackyard/core";
import type { Change } from "@stackyard/core/engine";
import { aChange, aStack, createExecutorContext } from "@stackyard/core/testing";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { instrumentExecutor, toCommitMetrics } from "./instrument.ts";
import { createFollow, type Follow } from "./testing/follow.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

function createBench(
  start: (seen: { traceContext?: unknown }) => Promise<Step<Record<string, never>>>,
  follow: Follow = createFollow(),
) {
  const executor = defineExecutor({
    name: "work",
    config: Type.Object({}),
    progress: Type.Object({}),
    start: async (ctx) => start(ctx),
    poll: async () => succeeded({}),
  });
  const ctx = createExecutorContext({ clock: follow.clock });
  return { follow, executor, ctx, followed: instrumentExecutor(follow, executor) };
}

describe("a followed executor", () => {
  it("makes a span of each call, in the trace of what has sent the task", async () => {
    const { follow, followed, ctx } = createBench(async () => running({ progress: {}, pollAfterMs: 1, message: "" }));

    await follow.scopes.run({ carrier: { traceparent } }, () => followed.start(ctx, {} as never));
    await follow.scopes.run({ carrier: { traceparent } }, async () => followed.poll?.(ctx, {} as never, {} as never));

    const { "work start": [start] = [], "work poll": [poll] = [] } = follow.spansByName();
    expect([start, poll].map((span) => span?.spanContext().traceId)).toEqual([
      traceparent.slice(3, 35),
      traceparent.slice(3, 35),
    ]);
    expect([start?.attributes["stackyard.step"], poll?.attributes["stackyard.step"]]).toEqual(["running", "succeeded"]);
    expect(start?.attributes).toMatchObject({
      "stackyard.stack.id": ctx.stackId,
      "stackyard.attempt.id": ctx.attempt.id,
    });
  });

  it("passes its span to the executor, for programs that it starts", async () => {
    const seen: unknown[] = [];
    const { follow, followed, ctx } = createBench(async ({ traceContext }) => {
      seen.push(traceContext);
      return succeeded({});
    });

    await followed.start(ctx, {} as never);

    const [span] = follow.spansByName()["work start"] ?? [];
    const { traceId, spanId } = span?.spanContext() ?? {};
    expect(seen).toEqual([{ traceparent: `00-${traceId}-${spanId}-01` }]);
  });

  it("hands on what came along where nothing is exported, and nothing where nothing did", async () => {
    const seen: unknown[] = [];
    const { follow, followed, ctx } = createBench(
      async ({ traceContext }) => {
        seen.push(traceContext);
        return succeeded({});
      },
      createFollow({ isTraced: false }),
    );

    await follow.scopes.run({ carrier: { traceparent, tracestate: "a=1" } }, () => followed.start(ctx, {} as never));
    await followed.start(ctx, {} as never);

    expect(seen).toEqual([{ traceparent, tracestate: "a=1" }, undefined]);
  });

  it("measures how long calls take, and failures by their code, without their text", async () => {
    const { follow, followed, ctx } = createBench(async () => {
      await follow.clock.advance(2_500);
      return failed({ code: "WORK_FAILED", message: "password hunter2", retryable: false });
    });

    await followed.start(ctx, {} as never);

    expect(follow.measured).toEqual([
      "step_failures 1 executor=work code=WORK_FAILED",
      "step_duration_seconds 2.5 executor=work operation=start",
    ]);
    const [span] = follow.spansByName()["work start"] ?? [];
    expect([span?.status, span?.attributes["error.type"]]).toEqual([{ code: 2 }, "WORK_FAILED"]);
    expect(JSON.stringify(span?.attributes)).not.toContain("hunter2");
  });

  it("measures what is thrown too, and lets it through", async () => {
    const { follow, followed, ctx } = createBench(() => Promise.reject(new TypeError("no")));

    await expect(followed.start(ctx, {} as never)).rejects.toThrow("no");

    expect(follow.measured[0]).toBe("step_failures 1 executor=work code=TypeError");
  });

  it("names stack, task and attempt in lines that are written meanwhile", async () => {
    const seen: unknown[] = [];
    const { follow, followed, ctx } = createBench(async () => {
      seen.push(follow.scopes.current().fields);
      return succeeded({});
    });

    await followed.start(ctx, {} as never);

    expect(seen).toEqual([{ stackId: ctx.stackId, task: ctx.task, attemptId: ctx.attempt.id }]);
  });

  it("is the same executor in everything else", () => {
    const { executor, followed } = createBench(async () => succeeded({}));

    expect({ ...followed, start: executor.start, poll: executor.poll }).toEqual(executor);
    expect(followed.cancel).toBeUndefined();
  });
});

const change = aChange({ stackId: "pr-12", expectedVersion: 1, now: 90_000 });
const line: Change["history"][number] = {
  stackId: "pr-12",
  at: 0,
  eventId: "e1",
  event: "PUSHED",
  outcome: "applied",
  sent: [],
  notes: [],
};
const live = aStack({ state: "LIVE", entry: 3, enteredAt: 30_000 });
const tell = (given: Partial<Change>, stack: typeof live | undefined = live) =>
  toCommitMetrics({ ...change, ...given }, { stack }).map(({ name, value, dimensions }) => [
    name,
    value,
    ...Object.values(dimensions),
  ]);

describe("the metrics of a commit", () => {
  it("count events by what became of them, and refusals by their code", () => {
    const history = [
      line,
      { ...line, outcome: "parked", code: "EVENT_NOT_HANDLED" },
      { ...line, outcome: "ignored", code: "DUPLICATE" },
    ] as const;

    expect(tell({ history })).toEqual([
      ["events", 1, "applied"],
      ["events", 1, "parked"],
      ["events", 1, "ignored"],
      ["refused_events", 1, "review-app", "EVENT_NOT_HANDLED"],
    ]);
  });

  it("count failed tasks by code, and take no text of a runner for one", () => {
    const failure = { ...line, event: "TASK_ERROR" };
    const history = [
      { ...failure, code: "LAMBDA_FAILED" },
      failure,
      { ...failure, code: "it broke at 10:31" },
      { ...failure, outcome: "refused" as const },
    ];

    const failures = tell({ history }).filter(([name]) => name === "task_failures");

    expect(failures).toEqual([
      ["task_failures", 1, "review-app", "LAMBDA_FAILED"],
      ["task_failures", 1, "review-app", "none"],
      ["task_failures", 1, "review-app", "other"],
    ]);
  });

  it("report how long a stack was in the state that it leaves", () => {
    const write = { kind: "put", stack: { ...live, state: "BUILD", entry: 4, enteredAt: 90_000 } } as const;

    expect(tell({ write })).toEqual([["state_duration_seconds", 60, "review-app", "LIVE"]]);
    expect(tell({ write: { kind: "remove" } })).toEqual([["state_duration_seconds", 60, "review-app", "LIVE"]]);
  });

  it("report no time for a stack that stays, is new or was not changed", () => {
    expect(tell({ write: { kind: "put", stack: live } })).toEqual([]);
    expect(tell({ write: { kind: "keep" } })).toEqual([]);
    expect(toCommitMetrics({ ...change, write: { kind: "put", stack: live } }, { stack: undefined })).toEqual([]);
  });

  it("count a stack that stalls once", () => {
    const stalled = { ...live, stalled: { code: "LOOP_LIMIT", reason: "…" } };

    expect(tell({ write: { kind: "put", stack: stalled } })).toEqual([["stalls", 1, "LOOP_LIMIT"]]);
    expect(tell({ write: { kind: "put", stack: stalled } }, stalled)).toEqual([]);
    const lost = { ...live, heldBack: { code: "REVISION_LOST", reason: "…" } };
    expect(tell({ write: { kind: "put", stack: lost } })).toEqual([["stalls", 1, "REVISION_LOST"]]);
  });

  it("take no machine's name from a sender", () => {
    const history = [{ ...line, outcome: "dead-lettered", code: "MACHINE_UNKNOWN" }] as const;

    const told = toCommitMetrics({ ...change, history }, { stack: undefined });

    expect(told.map(({ dimensions }) => dimensions)).toContainEqual({ machine: "none", code: "MACHINE_UNKNOWN" });
  });
});
