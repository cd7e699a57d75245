import { checkConfigAndLimit, checkOpenConfig } from "../config/check-config.ts";
import { findConfigFault } from "../config/find-config-fault.ts";
import { type OpenConfig, openConfig } from "../config/open-config.ts";
import { onValue } from "../document/compile-context.ts";
import { type Field, findField, isMapField, type MapNode } from "../document/tree.ts";
import { describe } from "../document/wording.ts";
import { findTimeoutMs } from "../executor-limits.ts";
import type { Template } from "../expression/expression.ts";
import type { ExpressionPlace } from "../expression/expression-place.ts";
import type { DynamicConfig } from "../machine.ts";
import { readTemplate } from "./read-template.ts";
import { isOverspent, type V2Context } from "./v2-context.ts";

/** A config that could be read. */
export interface ConfigDraft {
  /** As it travels; with expressions as it stands in the document. */
  readonly config: Field<MapNode>;
  /** The executor's own limit, where it can be known. */
  readonly timeoutMs?: number;
  readonly dynamic?: DynamicConfig;
}

/** What a config belongs to. */
export interface ConfigInput {
  /** Undefined when it is missing or unknown: then only the expressions are checked. */
  readonly executor: string | undefined;
  readonly place: ExpressionPlace;
}

/** The config of a task; where it is left out, an empty one. Undefined when it is no map. */
export function readConfig(context: V2Context, task: Field<MapNode>, input: ConfigInput): ConfigDraft | undefined {
  const field = findField(task, "config") ?? toEmptyConfig(task);
  if (!isMapField(field)) {
    const message = `config must be a map, but it is ${describe(field.node)}.`;
    context.problems.error("config-not-map", onValue(field), message);
    return undefined;
  }
  const template = readTemplate(context, field, { ...input.place, sensitive: "placeholder" });
  if (isOverspent(context)) return { config: field };
  const open = openConfig(field.node);
  if (open.opening !== undefined) return readDynamic(context, field, { ...input, open, template });
  const config = { ...field, node: open.node };
  const timeoutMs = input.executor === undefined ? undefined : checkConfigAndLimit(context, config, input.executor);
  return { config, ...(timeoutMs !== undefined && { timeoutMs }) };
}

// So that a missing config is told by what the executor misses in it.
function toEmptyConfig({ path, keyAt, node }: Field<MapNode>): Field<MapNode> {
  return { path: [...path, "config"], keyAt, node: { kind: "map", at: node.at, entries: new Map() } };
}

interface OpenInput extends Pick<ConfigInput, "executor"> {
  readonly open: OpenConfig;
  readonly template: Template | undefined;
}

function readDynamic(context: V2Context, config: Field<MapNode>, { executor, open, template }: OpenInput): ConfigDraft {
  if (executor === undefined) return { config };
  checkOpenConfig(context, config, { executor, open });
  if (template === undefined) return { config };
  return { config, dynamic: { template, ...toChecks(context, executor) } };
}

function toChecks({ executors }: V2Context, executor: string): Pick<DynamicConfig, "findFault" | "findTimeoutMs"> {
  const definition = executors.get(executor);
  return {
    // Without a definition the runner checks the config.
    findFault: (config) => definition && findConfigFault(definition, config),
    findTimeoutMs(config) {
      try {
        // The executor's schema has taken this config.
        return findTimeoutMs(definition, config);
      } catch {
        // A reference stands where the executor looks for a value.
        return undefined;
      }
    },
  };
}
