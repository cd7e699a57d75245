import type { CompileContext } from "../document/compile-context.ts";
import { toRecord } from "../document/tree.ts";
import { toCancelWithinMs } from "../executor-limits.ts";
import { PLAIN_TASK, type Task } from "../machine.ts";
import type { TaskDraft } from "./read-tasks.ts";

/** How long an attempt of a v1 task may run when its executor does not say. */
export const V1_TIMEOUT_MS = 24 * 3_600_000;

/** A task that has no fault. */
export function compileTask({ executors }: CompileContext, { name, executor, field, timeoutMs }: TaskDraft): Task {
  const definition = executor === undefined ? undefined : executors.get(executor);
  return {
    ...PLAIN_TASK,
    name,
    ...(executor !== undefined && { executor }),
    definition: toRecord(field.node),
    timeoutMs: timeoutMs ?? V1_TIMEOUT_MS,
    cancelWithinMs: toCancelWithinMs(definition),
  };
}
