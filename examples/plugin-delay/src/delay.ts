import { defineExecutor, type ExecutorContext, failed, running, succeeded } from "@stackyard/core";
import { type DelayProgress, delayDefinition } from "./definition.ts";

/** Waits. Fails with DELAY_CANCELLED. */
export const delay = defineExecutor({
  ...delayDefinition,

  async start(ctx, { seconds }) {
    const startedAt = ctx.clock.now();
    const until = startedAt + seconds * 1_000;
    ctx.report(`Waiting until ${new Date(until).toISOString()}`);
    return waiting(ctx, { startedAt, until });
  },

  async poll(ctx, _config, progress) {
    const now = ctx.clock.now();
    return now < progress.until ? waiting(ctx, progress) : succeeded({ waitedMs: now - progress.startedAt });
  },

  async cancel() {
    return failed({ code: "DELAY_CANCELLED", message: "The wait was cancelled.", retryable: false });
  },
});

function waiting(ctx: ExecutorContext, progress: DelayProgress) {
  const leftMs = progress.until - ctx.clock.now();
  return running({ progress, pollAfterMs: Math.min(leftMs, 60_000), message: `${Math.ceil(leftMs / 1_000)} s left` });
}
