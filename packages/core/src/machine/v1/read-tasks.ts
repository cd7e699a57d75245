import { checkConfig } from "../config/check-config.ts";
import { needsNoConfig } from "../config/check-registered.ts";
import { findTimeoutMs } from "../config/find-timeout.ts";
import { checkKeys } from "../document/check-keys.ts";
import { type CompileContext, onKey, onMissing, onValue, suggestFrom } from "../document/compile-context.ts";
import { type Field, findField, findText, isMapField, type MapNode, toFields } from "../tree.ts";
import { describe, listNames, quote } from "../wording.ts";

/** A task that could be read. */
export interface TaskDraft {
  readonly name: string;
  readonly field: Field<MapNode>;
  readonly executor?: string;
  readonly config?: Field<MapNode>;
  /** The executor's own limit. */
  readonly timeoutMs?: number;
}

/** The tasks by name; undefined, with `tasks-not-map`, when the field holds anything else. */
export function readTaskMap(
  { problems, limits }: CompileContext,
  tasks: Field,
): ReadonlyMap<string, Field> | undefined {
  if (!isMapField(tasks)) {
    const message = `tasks must be a map of tasks, but it is ${describe(tasks.node)}. Without tasks write {}.`;
    problems.error("tasks-not-map", onValue(tasks), message);
    return undefined;
  }
  const fields = toFields(tasks);
  if (fields.size > limits.maxTasks) {
    const message = `The machine has ${fields.size} tasks; ${limits.maxTasks} are allowed.`;
    problems.error("limit-exceeded", onKey(tasks), message);
  }
  return fields;
}

/** Reads one task; undefined when it is no map. */
export function readTask(context: CompileContext, name: string, field: Field): TaskDraft | undefined {
  if (name === "") context.problems.error("task-name-empty", onKey(field), "A task needs a name.");
  if (!isMapField(field)) {
    const message = `A task must be a map with executor and config, but this is ${describe(field.node)}.`;
    context.problems.error("task-not-map", onValue(field), message);
    return undefined;
  }
  checkKeys(context, field, { known: ["executor", "config"], code: "task-unknown-key", owner: "a task" });
  const executor = readExecutor(context, field);
  const config = readConfig(context, field, executor.name);
  const timeoutMs = config && executor.known ? judgeConfig(context, config, executor.name) : undefined;
  return {
    name,
    field,
    ...(executor.name !== undefined && { executor: executor.name }),
    ...(config && { config }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

function judgeConfig(
  context: CompileContext,
  config: Field<MapNode>,
  executor: string | undefined,
): number | undefined {
  const errors = context.problems.countErrors();
  checkConfig(context, config, executor);
  const definition = executor === undefined ? undefined : context.executors.get(executor);
  if (definition === undefined || context.problems.countErrors() > errors) return undefined;
  return findTimeoutMs(context, config, definition);
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
  const name = findText(executor);
  const known = new Set(["terraform", "lambda", ...context.executors.keys(), ...context.uncheckedExecutors]);
  if (name !== undefined && known.has(name)) return { name, known: true };
  const near = name === undefined ? "" : suggestFrom(name, known);
  const message = `There is no executor ${describe(executor.node)}.${near} Registered: ${listNames(known)}.`;
  context.problems.error("executor-unknown", onValue(executor), message);
  return { known: false };
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
