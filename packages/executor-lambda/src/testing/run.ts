import type { Executor, ExecutorContext, Step } from "@stackyard/core";
import type { LambdaConfig } from "../definition.ts";

/** Starts the executor as a worker does, with a config that fits the schema. */
export function start(executor: Executor, ctx: ExecutorContext, config: LambdaConfig): Promise<Step> {
  return executor.start(ctx, config as never);
}
