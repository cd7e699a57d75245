import { checkExecutor } from "../config/check-config.ts";
import { checkKeys } from "../document/check-keys.ts";
import { onKey, onMissing, onValue } from "../document/compile-context.ts";
import { type Field, findField, findText, isMapField, type MapNode } from "../document/tree.ts";
import { describe, quote } from "../document/wording.ts";
import type { Expression } from "../expression/expression.ts";
import type { ExpressionPlace } from "../expression/expression-place.ts";
import type { RetryPolicy } from "../machine.ts";
import { type Needs, toAllNeeds } from "./check-needs.ts";
import { type ConfigDraft, readConfig } from "./read-config.ts";
import { readDuration } from "./read-duration.ts";
import { readExpression } from "./read-expression.ts";
import type { MetadataDraft } from "./read-metadata.ts";
import { readOutputs } from "./read-outputs.ts";
import { readRetry } from "./read-retry.ts";
import type { TargetDrafts } from "./read-targets.ts";
import { suggestWithin, type V2Context } from "./v2-context.ts";

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
export interface TaskScope {
  readonly metadata: MetadataDraft;
  /** Undefined when they could not be read. */
  readonly targets: TargetDrafts | undefined;
  readonly needs: Needs;
  /** Names; absent when they could not be read. */
  readonly states?: readonly string[];
}

const KEYS = ["executor", "config", "target", "needs", "timeout", "retry", "outputs", "exclusive", "when"];

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
  checkKeys(context, field, { known: KEYS, code: "task-unknown-key", owner: "a task" });
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
  const target = readTarget(context, findField(field, "target"), scope.targets);
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

function readTarget(
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
