import { checkConfigAndLimit, checkExecutor, checkOpenConfig } from "../config/check-config.ts";
import { findConfigFault, type OpenConfig, openConfig } from "../config/open-config.ts";
import { checkKeys } from "../document/check-document.ts";
import { type CompileContext, onKey, onMissing, onValue } from "../document/compile-context.ts";
import { type Field, findField, findText, isListField, isMapField, type MapNode, toFields } from "../document/tree.ts";
import { describe, quote } from "../document/wording.ts";
import { findTimeoutMs } from "../executor-definition.ts";
import type { Expression, ExpressionPlace, Template } from "../expression/expression.ts";
import { hasExpression } from "../expression/split-template.ts";
import { type DynamicConfig, PLAIN_TASK, type RetryPolicy } from "../machine.ts";
import {
  isOverspent,
  readDuration,
  readExpression,
  readTemplate,
  readTextList,
  suggestWithin,
  type V2Context,
} from "./read-fields.ts";
import { checkDeclared, type MetadataDraft } from "./read-metadata.ts";
import { type Needs, toAllNeeds } from "./read-needs.ts";

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
}

/** What the parts of a task refer to. */
interface TaskScope {
  readonly metadata: MetadataDraft;
  /** Undefined when they could not be read. */
  readonly targets: TargetDrafts | undefined;
  readonly needs: Needs;
  /** Names; absent when they could not be read. */
  readonly states?: readonly string[];
}

const TASK_KEYS = ["executor", "config", "target", "needs", "timeout", "retry", "outputs", "exclusive", "when"];

/** Reads one task, whose needs were read before; undefined when it is no map. */
export function readTask(
  context: V2Context,
  field: Field,
  { name, ...scope }: TaskScope & { readonly name: string },
): TaskDraft | undefined {
  checkName(context, name, field);
  if (!isMapField(field)) {
    const message = `A task must be a map with executor and config, but this is ${describe(field.node)}.`;
    context.problems.error("task-not-map", onValue(field), message);
    return undefined;
  }
  checkKeys(context, field, { known: TASK_KEYS, code: "task-unknown-key", owner: "a task" });
  const { metadata, states } = scope;
  const before: ExpressionPlace = {
    event: false,
    metadata: metadata.place,
    sensitive: "never",
    ...(states && { states }),
  };
  const needed: ExpressionPlace = { ...before, tasks: toAllNeeds(scope.needs, name) };
  const executor = readExecutor(context, field);
  const config = readConfig(context, field, { executor, place: needed });
  const target = readTargetName(context, findField(field, "target"), scope.targets);
  const timeoutMs = readDuration(context, field, "timeout");
  const when = readCode(context, field, { key: "when", place: before });
  const exclusive = readCode(context, field, { key: "exclusive", place: needed });
  return {
    name,
    needs: (scope.needs.get(name) ?? []).map(({ text }) => text),
    retry: readRetry(context, field),
    outputs: readOutputs(context, field, metadata),
    ...(executor !== undefined && { executor }),
    ...(config && { config }),
    ...(target !== undefined && { target }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(when && { when }),
    ...(exclusive && { exclusive }),
  };
}

function checkName({ problems }: V2Context, name: string, field: Field): void {
  if (name === "") problems.error("task-name-empty", onKey(field), "A task needs a name.");
  if (name.length <= 128 && !/\p{Cc}/u.test(name)) return;
  const message = `${quote(name)} is no name of a task: at most 128 characters, and no control characters.`;
  problems.error("task-name-pattern", onKey(field), message);
}

function readExecutor(context: V2Context, task: Field<MapNode>): string | undefined {
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

function readCode(
  context: V2Context,
  task: Field<MapNode>,
  { key, place }: { readonly key: "when" | "exclusive"; readonly place: ExpressionPlace },
): Expression | undefined {
  const field = findField(task, key);
  return field && readExpression(context, field, { code: `${key}-not-string`, place });
}

/** Targets by name; one with a fault has no template. */
export type TargetDrafts = ReadonlyMap<string, Template | undefined>;

/** The accounts and regions that tasks work in; undefined when there is no map of them. */
export function readTargets(
  context: V2Context,
  targets: Field | undefined,
  { place }: MetadataDraft,
): TargetDrafts | undefined {
  if (targets === undefined) return new Map();
  if (!isMapField(targets)) {
    const message = `targets must be a map of targets, but it is ${describe(targets.node)}. Without targets leave it out.`;
    context.problems.error("target-not-map", onValue(targets), message);
    return undefined;
  }
  const drafts = new Map<string, Template | undefined>();
  for (const [name, field] of toFields(targets)) drafts.set(name, readTarget(context, field, place));
  return drafts;
}

const TARGET_KEYS = ["account", "region", "role", "externalId"];

function readTarget(context: V2Context, field: Field, metadata: MetadataDraft["place"]): Template | undefined {
  if (!isMapField(field)) {
    const message = `A target must be a map such as {account: "111122223333", region: eu-west-1}, but this is ${describe(field.node)}.`;
    context.problems.error("target-not-map", onValue(field), message);
    return undefined;
  }
  checkKeys(context, field, { known: TARGET_KEYS, code: "target-unknown-key", owner: "a target" });
  const place: ExpressionPlace = { event: false, metadata, sensitive: "never", variables: ["metadata"] };
  const values = [...toFields(field)].map(([key, value]) => checkValue(context, key, value));
  const template = readTemplate(context, field, place);
  return values.every((good) => good) ? template : undefined;
}

function checkValue({ problems }: V2Context, key: string, field: Field): boolean {
  const text = findText(field);
  if (text === undefined || text === "") {
    const isNumber = field.node.kind === "scalar" && typeof field.node.value === "number";
    const what = text === "" ? "an empty text" : describe(field.node);
    const message = `${key} of a target must be a text, but it is ${what}.${isNumber ? " Write it in quotes." : ""}`;
    problems.error("target-value-not-string", onValue(field), message);
    return false;
  }
  if (key !== "account" || hasExpression(text) || /^[0-9]{12}$/.test(text)) return true;
  const message = `An AWS account has 12 digits, and ${describe(field.node)} has not.`;
  problems.error("target-account-invalid", onValue(field), message);
  return false;
}

/** A config that could be read. */
interface ConfigDraft {
  /** As it travels; with expressions as it stands in the document. */
  readonly config: Field<MapNode>;
  /** The executor's own limit, where it can be known. */
  readonly timeoutMs?: number;
  readonly dynamic?: DynamicConfig;
}

/** What a config belongs to. */
interface ConfigInput {
  /** Undefined when it is missing or unknown: then only the expressions are checked. */
  readonly executor: string | undefined;
  readonly place: ExpressionPlace;
}

/** The config of a task; where it is left out, an empty one. Undefined when it is no map. */
function readConfig(context: V2Context, task: Field<MapNode>, input: ConfigInput): ConfigDraft | undefined {
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

/** How a task is tried again; what is not written, or faulty, is as without `retry`. */
function readRetry(context: CompileContext, task: Field<MapNode>): RetryPolicy {
  const field = findField(task, "retry");
  if (field === undefined) return PLAIN_TASK.retry;
  if (!isMapField(field)) {
    const message = `retry must be a map such as {attempts: 3}, but it is ${describe(field.node)}.`;
    context.problems.error("retry-not-map", onValue(field), message);
    return PLAIN_TASK.retry;
  }
  checkKeys(context, field, { known: ["attempts", "backoff", "only"], code: "retry-unknown-key", owner: "retry" });
  const attempts = readAttempts(context, findField(field, "attempts"));
  const only = readOnly(context, findField(field, "only"));
  return { ...PLAIN_TASK.retry, attempts, ...readBackoff(context, findField(field, "backoff")), ...only };
}

function readAttempts({ problems }: CompileContext, field: Field | undefined): number {
  if (field === undefined) return PLAIN_TASK.retry.attempts;
  const value = field.node.kind === "scalar" ? field.node.value : undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  const message = `attempts must be a whole number from 1, the first attempt included, but it is ${describe(field.node)}.`;
  problems.error("retry-attempts-invalid", onValue(field), message);
  return PLAIN_TASK.retry.attempts;
}

function readOnly(context: CompileContext, field: Field | undefined): Pick<RetryPolicy, "only"> {
  if (field === undefined) return {};
  const code = "retry-only-invalid";
  const what = "only must be a list of codes of failures, such as [TASK_TIMEOUT]";
  if (isListField(field) && field.node.items.length === 0) {
    context.problems.error(code, onValue(field), `${what}, but it is empty. Without it all failures are retried.`);
  }
  const codes = readTextList(context, field, { code, what }) ?? [];
  return codes.length > 0 ? { only: new Set(codes.map(({ text }) => text)) } : {};
}

function readBackoff(
  context: CompileContext,
  field: Field | undefined,
): Partial<Pick<RetryPolicy, "fromMs" | "toMs" | "factor">> {
  if (field === undefined) return {};
  if (!isMapField(field)) {
    const message = `backoff must be a map such as {from: 5s, to: 2m}, but it is ${describe(field.node)}.`;
    context.problems.error("backoff-not-map", onValue(field), message);
    return {};
  }
  checkKeys(context, field, { known: ["from", "to", "factor"], code: "backoff-unknown-key", owner: "backoff" });
  const fromMs = readDuration(context, field, "from");
  const toMs = readDuration(context, field, "to");
  const factor = readFactor(context, findField(field, "factor"));
  return {
    ...(fromMs !== undefined && { fromMs }),
    ...(toMs !== undefined && { toMs }),
    ...(factor !== undefined && { factor }),
  };
}

function readFactor({ problems }: CompileContext, field: Field | undefined): number | undefined {
  if (field === undefined) return undefined;
  const value = field.node.kind === "scalar" ? field.node.value : undefined;
  if (typeof value === "number" && Number.isFinite(value) && value >= 1) return value;
  const message = `factor must be a number of at least 1, but it is ${describe(field.node)}.`;
  problems.error("backoff-factor-invalid", onValue(field), message);
  return undefined;
}

/** Names of outputs by the metadata key that they are stored under. */
function readOutputs(
  context: CompileContext,
  task: Field<MapNode>,
  metadata: MetadataDraft,
): ReadonlyMap<string, string> {
  const field = findField(task, "outputs");
  if (field === undefined) return new Map();
  if (!isMapField(field)) {
    const message = `outputs must be a map of metadata keys to names of outputs, but it is ${describe(field.node)}.`;
    context.problems.error("outputs-not-map", onValue(field), message);
    return new Map();
  }
  const outputs = new Map<string, string>();
  for (const [key, output] of toFields(field)) {
    checkDeclared(context, output, key, metadata);
    const name = findText(output);
    if (name) outputs.set(key, name);
    else refuseName(context, output);
  }
  return outputs;
}

function refuseName({ problems }: CompileContext, output: Field): void {
  const what = findText(output) === "" ? "an empty text" : describe(output.node);
  const message = `An output's name must be a text, but this is ${what}. Write the metadata key before the colon.`;
  problems.error("output-name-not-string", onValue(output), message);
}
