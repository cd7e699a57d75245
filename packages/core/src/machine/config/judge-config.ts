import type { CompileContext } from "../document/compile-context.ts";
import type { Field, MapNode } from "../document/tree.ts";
import { checkConfig } from "./check-config.ts";
import { findConfigTimeoutMs } from "./find-config-timeout.ts";

/** Checks a config, and gives the executor's own time limit for one without fault. */
export function judgeConfig(
  context: CompileContext,
  config: Field<MapNode>,
  executor: string | undefined,
): number | undefined {
  const errors = context.problems.countErrors();
  checkConfig(context, config, executor);
  const definition = executor === undefined ? undefined : context.executors.get(executor);
  if (definition === undefined || context.problems.countErrors() > errors) return undefined;
  return findConfigTimeoutMs(context, config, definition);
}
