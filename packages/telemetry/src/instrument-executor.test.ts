import { defineExecutor, failed, running, type Step, succeeded } from "@stackyard/core";
import { createExecutorContext } from "@stackyard/core/testing";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { instrumentExecutor } from "./instrument-executor.ts";
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

  it("tells the executor its span, for programs that it starts", async () => {
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
