import { describe, expect, it } from "vitest";
import { defineExecutor, definePlugin, type ExecutorContext, failed, running, succeeded } from "./index.ts";
import { type Static, Type } from "./schema.ts";

const Progress = Type.Object({ until: Type.Integer() });

const tea = defineExecutor({
  name: "tea",
  config: Type.Object({ cups: Type.Integer({ minimum: 1 }) }),
  progress: Progress,
  async start(ctx, { cups }) {
    if (cups > 9) return failed({ code: "TEA_TOO_MUCH", message: "There are nine cups.", retryable: false });
    return waiting(ctx, { until: ctx.clock.now() + cups });
  },
  async poll(ctx, { cups }, progress) {
    return ctx.clock.now() < progress.until ? waiting(ctx, progress) : succeeded({ cups });
  },
});

function waiting(ctx: ExecutorContext, progress: Static<typeof Progress>) {
  return running({ progress, pollAfterMs: progress.until - ctx.clock.now(), message: "The tea draws." });
}

describe("the package of the command line", () => {
  it("has all that an executor and its plugin are made of, for a project that has only the one file", () => {
    const plugin = definePlugin({ name: "tea", executors: [tea] });

    expect([tea.name, plugin.kind]).toEqual(["tea", "stackyard-plugin"]);
  });
});
