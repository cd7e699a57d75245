import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { defineExecutor, running, succeeded } from "../../ports/executor.ts";
import { createExecutorContext } from "../../testing/run-executor.ts";
import { createStepHandler } from "./step-handler.ts";

const executor = defineExecutor({
  name: "work",
  config: Type.Object({ name: Type.String() }),
  progress: Type.Object({ id: Type.String() }),
  start: async (_ctx, { name }) => running({ progress: { id: name }, pollAfterMs: 1, message: "works" }),
  poll: async (_ctx, _config, { id }) => succeeded({ polled: id }),
  cancel: async (_ctx, _config, progress) => succeeded({ cancelled: progress?.id ?? "nothing" }),
});

const handle = createStepHandler(executor, ({ ctx }) => createExecutorContext({ stackId: String(ctx?.["stackId"]) }));
const config = { name: "a" };
const ctx = { stackId: "s1" };

describe("a handler of steps", () => {
  it("starts, polls with what the step before answered, and cancels", async () => {
    const started = await handle({ op: "start", config, ctx });
    const progress = started.kind === "running" ? started.progress : undefined;

    expect(started).toEqual(running({ progress: { id: "a" }, pollAfterMs: 1, message: "works" }));
    expect(await handle({ op: "poll", config, ctx, progress })).toEqual(succeeded({ polled: "a" }));
    expect(await handle({ op: "cancel", config, ctx, progress })).toEqual(succeeded({ cancelled: "a" }));
    expect(await handle({ op: "cancel", config, ctx })).toEqual(succeeded({ cancelled: "nothing" }));
  });

  it("has no store to take sensitive values from, and says so", async () => {
    const answer = await handle({ op: "start", config: { name: { $secret: "password#1" } }, ctx });

    expect(answer).toMatchObject({ kind: "failed", code: "SECRETS_NEED_STORE", retryable: false });
  });

  it("answers with a failed step where the config of a start does not fit its schema", async () => {
    expect(await handle({ op: "start", config: {}, ctx })).toMatchObject({ code: "CONFIG_INVALID" });
    expect(await handle({ op: "poll", config: {}, ctx, progress: { id: 7 } })).toEqual(succeeded({ polled: 7 }));
  });
});
