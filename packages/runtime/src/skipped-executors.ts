import { defineExecutor, type Executor, succeeded } from "@stackyard/core";
import { Type } from "typebox";

/** Creates executors that skip all tasks: under every name one that succeeds at once. */
export function createSkippedExecutors(known: ReadonlyMap<string, Executor>): ReadonlyMap<string, Executor> {
  return new SkippedExecutors(known);
}

class SkippedExecutors extends Map<string, Executor> {
  override get(): Executor {
    return SKIPPED;
  }

  override has(): boolean {
    return true;
  }
}

const SKIPPED = defineExecutor({
  name: "skipped",
  config: Type.Unknown(),
  async start(ctx) {
    ctx.report("Not run: SKIP_TASK_EXECUTION is set.");
    return succeeded({});
  },
});
