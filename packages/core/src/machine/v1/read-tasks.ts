import { checkConfigAndLimit, checkExecutor } from "../config/check-config.ts";
import { needsNoConfig } from "../config/check-registered.ts";
import { checkKeys } from "../document/check-keys.ts";
import { type CompileContext, onKey, onMissing, onValue } from "../document/compile-context.ts";
import { type Field, findField, isMapField, type MapNode } from "../document/tree.ts";
import { describe, quote } from "../document/wording.ts";

/** A task that could be read. */
export interface TaskDraft {
  readonly name: string;
  readonly field: Field<MapNode>;
  readonly executor?: string;
  readonly config?: Field<MapNode>;
  /** The executor's own limit. */
  readonly timeoutMs?: number;
}

// What version 2 lets a task have besides.
const NEWER = ["target", "needs", "timeout", "retry", "outputs", "exclusive", "when"];

/** Reads one task; undefined when it is no map. */
export function readTask(context: CompileContext, name: string, field: Field): TaskDraft | undefined {
  if (name === "") context.problems.error("task-name-empty", onKey(field), "A task needs a name.");
  if (!isMapField(field)) {
    const message = `A task must be a map with executor and config, but this is ${describe(field.node)}.`;
    context.problems.error("task-not-map", onValue(field), message);
    return undefined;
  }
  checkKeys(context, field, { known: ["executor", "config"], code: "task-unknown-key", owner: "a task", newer: NEWER });
  const executor = readExecutor(context, field);
  const config = readConfig(context, field, executor.name);
  const timeoutMs = config && executor.known ? checkConfigAndLimit(context, config, executor.name) : undefined;
  return {
    name,
    field,
    ...(executor.name !== undefined && { executor: executor.name }),
    ...(config && { config }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

interface ExecutorDraft {
  readonly name?: string;
  /** False when the config cannot be judged. */
  readonly known: boolean;
}

function readExecutor(context: CompileContext, task: Field<MapNode>): ExecutorDraft {
  const executor = findField(task, "executor");
  if (executor === undefined) {
    const message = "The task names no executor; it will fail when it runs.";
    context.problems.warn("executor-missing", onMissing(task, "executor"), message);
    return { known: true };
  }
  const name = checkExecutor(context, executor);
  return name === undefined ? { known: false } : { name, known: true };
}

function readConfig(
  { problems, executors }: CompileContext,
  task: Field<MapNode>,
  executor: string | undefined,
): Field<MapNode> | undefined {
  const config = findField(task, "config");
  if (config === undefined) {
    const definition = executor === undefined ? undefined : executors.get(executor);
    const fate =
      definition && needsNoConfig(definition)
        ? `${quote(definition.name)} takes its defaults. Write {} to say so.`
        : "it will fail when it runs.";
    problems.warn("config-missing", onMissing(task, "config"), `The task has no config; ${fate}`);
    return undefined;
  }
  if (isMapField(config)) return config;
  problems.error("config-not-map", onValue(config), `config must be a map, but it is ${describe(config.node)}.`);
  return undefined;
}
