import { checkKeys } from "../document/check-keys.ts";
import { type CompileContext, onValue } from "../document/compile-context.ts";
import { type Field, findField, isListField, isMapField, type MapNode } from "../document/tree.ts";
import { describe } from "../document/wording.ts";
import { PLAIN_TASK, type RetryPolicy } from "../machine.ts";
import { readDuration } from "./read-duration.ts";
import { readTextList } from "./read-text-list.ts";

/** How a task is tried again; what is not written, or faulty, is as without `retry`. */
export function readRetry(context: CompileContext, task: Field<MapNode>): RetryPolicy {
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
