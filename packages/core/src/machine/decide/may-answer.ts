import type { Sender } from "../../access/sender.ts";
import { type StackEvent, SYSTEM_EVENTS } from "../event-message.ts";
import type { Machine } from "../machine.ts";
import type { Stack } from "../stack.ts";
import { toScope } from "./to-scope.ts";

const ANSWERS: ReadonlySet<string> = new Set([SYSTEM_EVENTS.taskCompleted, SYSTEM_EVENTS.taskError]);

/** The parts of a result that say which task it is about. */
type Answer = Pick<StackEvent, "name" | "at" | "task" | "dispatchId">;

/**
 * Returns true when `allow` of a task names the sender as one who may send its results. A result belongs to the task of
 * its attempt, whatever task it names.
 */
export function mayAnswer(machine: Machine, stack: Stack, answer: Answer, sender: Sender): boolean {
  if (!ANSWERS.has(answer.name)) return false;
  const task = machine.tasks.get(findTaskName(stack, answer) ?? "");
  if (task?.allow === undefined || task.isApproval) return false;
  const scope = toScope(
    { machine, stack, at: answer.at },
    { actor: sender, event: { name: answer.name, metadata: {} } },
  );
  const result = task.allow.evaluate(scope);
  return result.kind === "value" && result.value === true;
}

function findTaskName({ runs }: Stack, { dispatchId, task }: Answer): string | undefined {
  if (dispatchId === undefined) return task?.name;
  return runs.find(({ attemptId }) => attemptId === dispatchId)?.task;
}
