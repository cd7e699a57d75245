import { APPROVAL } from "../approval-name.ts";
import { checkConfigAndLimit, checkExecutor, checkOpenConfig, judgesConfigs } from "../config/check-config.ts";
import { findConfigFault, type OpenConfig, openConfig } from "../config/open-config.ts";
import { type CompileContext, onKey, onMissing, onValue } from "../document/compile-context.ts";
import { parseDuration } from "../document/duration.ts";
import {
  type Field,
  findField,
  findScalar,
  findText,
  isMapField,
  type MapNode,
  type TextItem,
  toFields,
  toTextItems,
} from "../document/tree.ts";
import { describe, listNames, quote } from "../document/wording.ts";
import { findTimeoutMs } from "../executor-definition.ts";
import type { Expression, ExpressionPlace, Template } from "../expression/expression.ts";
import { listReferences } from "../expression/list-references.ts";
import { defined } from "../json.ts";
import { type DynamicConfig, PLAIN_TASK, type RetryPolicy } from "../machine.ts";
import { isOverspent, readExpression, readTemplate, suggestWithin, type V2Context } from "./read-expressions.ts";
import { checkDeclared, type MetadataDraft, toAllowPlace } from "./read-metadata.ts";

/** A task as far as it could be read. */
export interface TaskDraft {
  readonly name: string;
  readonly executor?: string;
  readonly config?: ConfigDraft;
  readonly target?: string;
  readonly needs: readonly string[];
  readonly timeoutMs?: number;
  readonly retry: RetryPolicy;
  readonly outputs: ReadonlyMap<string, string>;
  readonly when?: Expression;
  readonly exclusive?: Expression;
  readonly allow?: Expression;
}

/** Targets by name; one with a fault has no template. */
export type TargetDrafts = ReadonlyMap<string, Template | undefined>;

/** The names that the parts of a task may use. */
interface TaskScope {
  readonly metadata: MetadataDraft;
  /** The targets; undefined when they could not be read. */
  readonly targets: TargetDrafts | undefined;
  readonly needs: Needs;
  /** Names; absent when they could not be read. */
  readonly states?: readonly string[];
}

/** Reads one task, whose needs were read before. */
export function readTask(
  context: V2Context,
  field: Field<MapNode>,
  { name, ...scope }: TaskScope & { readonly name: string },
): TaskDraft {
  const { metadata, states } = scope;
  const before: ExpressionPlace = defined({
    event: false,
    metadata: metadata.place,
    sensitive: "never" as const,
    states,
  });
  const needed: ExpressionPlace = { ...before, tasks: toAllNeeds(scope.needs, name) };
  const executor = readExecutor(context, field);
  if (executor === APPROVAL) warnUnusedKeys(context, field);
  return defined({
    name,
    executor,
    config: readConfig(context, field, { executor, place: needed }),
    target: readTargetName(context, findField(field, "target"), scope.targets),
    needs: (scope.needs.get(name) ?? []).map(({ text }) => text),
    timeoutMs: readDuration(field, "timeout"),
    retry: readRetry(findField(field, "retry")),
    outputs: readOutputs(context, findField(field, "outputs"), metadata),
    when: readExpression(context, findField(field, "when"), { place: before, wanted: "bool" }),
    exclusive: readExpression(context, findField(field, "exclusive"), { place: needed, wanted: "key" }),
    allow: readExpression(context, findField(field, "allow"), {
      place: toAllowPlace(metadata, states),
      wanted: "bool",
    }),
  });
}

function warnUnusedKeys({ problems }: V2Context, task: Field): void {
  for (const key of ["target", "retry", "exclusive", "allow"]) {
    const field = findField(task, key);
    const message = `${key} has no effect on an approval, which no worker runs. Remove it.`;
    if (field !== undefined) problems.warn("approval-key-unused", onKey(field), message);
  }
}

function readDuration(map: Field | undefined, key: string): number | undefined {
  return parseDuration(findText(findField(map, key)) ?? "");
}

function readExecutor(context: V2Context, task: Field): string | undefined {
  const executor = findField(task, "executor");
  if (executor !== undefined) return checkExecutor(context, executor);
  const examples = [...context.executors.keys()].slice(0, 2).join(" or ");
  const message = `A task needs executor: who does the work${examples && `, such as ${examples}`}.`;
  context.problems.error("executor-required", onMissing(task, "executor"), message);
  return undefined;
}

function readTargetName(
  context: V2Context,
  field: Field | undefined,
  targets: TargetDrafts | undefined,
): string | undefined {
  if (field === undefined) return undefined;
  const name = findText(field);
  if (name !== undefined && (targets === undefined || targets.has(name))) return name;
  const near = suggestWithin(context, name ?? "", targets?.keys() ?? []);
  const message = `target must be the name of one of targets, but it is ${describe(field.node)}.${near}`;
  context.problems.error("target-undefined", onValue(field), message);
  return undefined;
}

/** A config that could be read. */
interface ConfigDraft {
  /** As messages contain it; with expressions, as the document contains it. */
  readonly config: Field<MapNode>;
  /** The executor's own limit, where it can be known. */
  readonly timeoutMs?: number;
  readonly dynamic?: DynamicConfig;
}

/** The task of a config. */
interface ConfigInput {
  /** The executor; undefined when it is missing or unknown: then only the expressions are checked. */
  readonly executor: string | undefined;
  readonly place: ExpressionPlace;
}

/** Reads the config of a task; an empty one when it is left out. Undefined when it is not a map. */
function readConfig(context: V2Context, task: Field<MapNode>, input: ConfigInput): ConfigDraft | undefined {
  const field = findField(task, "config") ?? toEmptyConfig(task);
  if (!isMapField(field)) return undefined;
  const { takesSecrets, showsConfig } = context.executors.get(input.executor ?? "") ?? {};
  // People read the config of an approval.
  const refuses = takesSecrets === false && judgesConfigs(context);
  const sensitive = input.executor === APPROVAL || refuses ? "never" : "placeholder";
  const template = readTemplate(context, field, { ...input.place, sensitive });
  if (isOverspent(context)) return { config: field };
  if (showsConfig !== undefined && template !== undefined)
    warnShown(context, field, { ...input, template, showsConfig });
  const open = openConfig(field.node);
  if (open.opening !== undefined) return readDynamic(context, field, { ...input, open, template });
  const config = { ...field, node: open.node };
  const timeoutMs = input.executor === undefined ? undefined : checkConfigAndLimit(context, config, input.executor);
  return defined({ config, timeoutMs });
}

interface ShownInput extends ConfigInput {
  readonly template: Template;
  readonly showsConfig: string;
}

function warnShown(
  { problems }: V2Context,
  config: Field,
  { executor, place, template, showsConfig }: ShownInput,
): void {
  const read = listReferences(template.source);
  const shown = [...place.metadata.sensitive].filter((key) => read.has(`metadata.${key}`)).map((key) => quote(key));
  if (shown.length === 0) return;
  const message = `This config of ${executor} contains the sensitive key ${shown.join(", ")}. ${showsConfig}`;
  problems.warn("sensitive-shown", onKey(config), message);
}

// Lets the executor's check report what is missing in a missing config.
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
  const definition = context.executors.get(executor);
  return {
    config,
    dynamic: {
      template,
      // Without a definition the runner checks the config.
      findFault: (resolved) => definition && findConfigFault(definition, resolved),
      findTimeoutMs(resolved) {
        try {
          return findTimeoutMs(definition, resolved);
        } catch {
          // The config fits the schema, but contains a reference where the executor reads a value.
          return undefined;
        }
      },
    },
  };
}

/** Reads how a task is tried again; missing or faulty parts are as without `retry`. */
function readRetry(field: Field | undefined): RetryPolicy {
  const backoff = findField(field, "backoff");
  const only = toTextItems(findField(field, "only")).map(({ text }) => text);
  return defined({
    attempts: readNumber(field, "attempts") ?? PLAIN_TASK.retry.attempts,
    fromMs: readDuration(backoff, "from") ?? PLAIN_TASK.retry.fromMs,
    toMs: readDuration(backoff, "to") ?? PLAIN_TASK.retry.toMs,
    factor: readNumber(backoff, "factor") ?? PLAIN_TASK.retry.factor,
    only: only.length > 0 ? new Set(only) : undefined,
  });
}

function readNumber(map: Field | undefined, key: string): number | undefined {
  const field = findField(map, key);
  const value = field && findScalar(field);
  return typeof value === "number" ? value : undefined;
}

/** Reads names of outputs by the metadata key that they are stored under. */
function readOutputs(
  context: CompileContext,
  field: Field | undefined,
  metadata: MetadataDraft,
): ReadonlyMap<string, string> {
  const outputs = new Map<string, string>();
  for (const [key, output] of toFields(field)) {
    checkDeclared(context, output, key, metadata);
    const name = findText(output);
    if (name) outputs.set(key, name);
  }
  return outputs;
}

/** The needs of each task, by its name. */
export type Needs = ReadonlyMap<string, readonly TextItem[]>;

/** Returns the tasks that a task needs, each once; unknown ones are reported and left out. */
export function readNeeds(
  context: V2Context,
  task: Field,
  known: Pick<ReadonlySet<string>, "has" | "keys">,
): readonly TextItem[] {
  const field = findField(task, "needs");
  const items = toTextItems(field);
  const { problems, limits } = context;
  if (field && items.length > limits.maxStateTasks) {
    const message = `The task has ${items.length} needs; ${limits.maxStateTasks} are allowed, as many as a state may have tasks.`;
    problems.error("limit-exceeded", onKey(field), message);
  }
  const needs = new Map<string, TextItem>();
  for (const item of items.slice(0, limits.maxStateTasks)) {
    const name = quote(item.text);
    if (!known.has(item.text)) {
      const near = suggestWithin(context, item.text, known.keys());
      problems.error("needs-undefined", onValue(item.field), `Unknown task ${name}.${near}`);
    } else if (needs.has(item.text)) {
      problems.error("needs-duplicate", onValue(item.field), `The task ${name} is among the needs twice.`);
    } else {
      needs.set(item.text, item);
    }
  }
  return [...needs.values()];
}

/** The names of the tasks of each state; undefined where they could not be read. */
type StateTasks = ReadonlyMap<string, { readonly tasks?: readonly string[] }>;

/** Reports needs that a state with the task does not list, and needs that form a cycle. */
export function checkNeeds(context: CompileContext, needs: Needs, states: StateTasks): void {
  const { maxStateTasks, maxProblems } = context.limits;
  // States with more tasks are already refused.
  const sound = [...states].filter(([, { tasks = [] }]) => tasks.length <= maxStateTasks);
  for (const [item, lacking] of findLacking(needs, new Map(sound))) {
    const message = `${quote(lacking.task)} needs ${quote(item.text)}, which is not among the tasks of ${listNames(lacking.states)}.`;
    context.problems.error("needs-not-in-state", onValue(item.field), message);
  }
  for (const cycle of findCycles(needs, maxProblems)) {
    const message = `These tasks wait for each other: ${listNames(cycle.names, " → ")}.`;
    context.problems.error("needs-cycle", onValue(cycle.item.field), message);
  }
}

interface Lacking {
  readonly task: string;
  /** States that list the task but not its needs. */
  readonly states: string[];
}

function findLacking(needs: Needs, states: StateTasks): ReadonlyMap<TextItem, Lacking> {
  const lacking = new Map<TextItem, Lacking>();
  for (const [state, { tasks = [] }] of states) {
    const listed = new Set(tasks);
    for (const task of tasks) {
      for (const item of needs.get(task) ?? []) {
        if (listed.has(item.text)) continue;
        const found = lacking.get(item) ?? { task, states: [] };
        found.states.push(state);
        lacking.set(item, found);
      }
    }
  }
  return lacking;
}

interface Cycle {
  /** From a task back to itself. */
  readonly names: readonly string[];
  /** The need that closes it. */
  readonly item: TextItem;
}

// Visits each task once, and reports one cycle for each need that leads back into the path to it. Aliases make tens of
// thousands of long cycles out of a small document, so only as many are collected as are listed.
function findCycles(needs: Needs, max: number): readonly Cycle[] {
  const cycles: Cycle[] = [];
  const done = new Set<string>();
  const path: string[] = [];

  function visit(item: TextItem): void {
    const start = path.indexOf(item.text);
    if (start === -1) walk(item.text);
    else if (cycles.length < max) cycles.push({ names: [...path.slice(start), item.text], item });
  }

  function walk(task: string): void {
    if (done.has(task)) return;
    path.push(task);
    for (const item of needs.get(task) ?? []) visit(item);
    path.pop();
    done.add(task);
  }

  for (const task of needs.keys()) walk(task);
  return cycles;
}

/** Returns all tasks that must have succeeded before a task starts, also those that its needs need. */
function toAllNeeds(needs: Needs, task: string): readonly string[] {
  const all = new Set((needs.get(task) ?? []).map(({ text }) => text));
  // Iteration over a set includes items that are added meanwhile.
  for (const name of all) for (const { text } of needs.get(name) ?? []) all.add(text);
  return [...all];
}
