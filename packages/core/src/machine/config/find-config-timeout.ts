import { describeThrown } from "../../errors/describe-value.ts";
import { type CompileContext, onKey } from "../document/compile-context.ts";
import type { Field, MapNode } from "../document/tree.ts";
import { toRecord } from "../document/tree.ts";
import { quote } from "../document/wording.ts";
import type { ExecutorDefinition } from "../executor-definition.ts";
import { findTimeoutMs } from "../executor-limits.ts";

/**
 * The executor's own time limit for a config that it accepts; undefined when it has none. An executor that throws gives
 * `config-invalid`.
 */
export function findConfigTimeoutMs(
  context: CompileContext,
  config: Field<MapNode>,
  executor: ExecutorDefinition,
): number | undefined {
  try {
    return findTimeoutMs(executor, toRecord(config.node));
  } catch (cause) {
    const why = describeThrown(cause);
    const message = `The executor ${quote(executor.name)} cannot tell its time limit from this config: ${why.slice(0, 200)}`;
    context.problems.error("config-invalid", onKey(config), message);
    return undefined;
  }
}
