import type { StackEvent } from "../message/event.ts";
import type { OpenRun, Stack, TaskState } from "../stack.ts";
import type { Decision } from "./decision.ts";
import { toCancel } from "./open-runs.ts";
import { listHeldSecrets, maskText } from "./stack-secrets.ts";

/** Removes a stack by force: its open runs are asked to stop, and the notes tell what may be left behind. */
export function removeStack(stack: Stack, event: StackEvent): Decision {
  if (event.force !== true || !event.reason) {
    return { kind: "rejected", code: "EVENT_INVALID", reason: '"REMOVE_STACK" needs "force": true and a "reason".' };
  }
  const runs = stack.runs.map((run): OpenRun => ({ ...run, cancelling: run.cancelling ?? "requested" }));
  return {
    kind: "applied",
    stack: { ...stack, runs, updatedAt: event.at },
    removed: true,
    dispatches: [],
    cancels: runs.map((run) => toCancel(run, run.cancelling ?? "requested")),
    closes: [],
    notes: tellWhatIsLeft(stack, event.reason),
  };
}

function tellWhatIsLeft(stack: Stack, reason: string): readonly string[] {
  return [
    `Removed by force in state "${stack.state}": ${maskText(listHeldSecrets(stack), reason)}`,
    ...stack.runs.map(tellRun),
    ...stack.tasks.filter(({ status }) => status !== "PENDING").map(tellTask),
    "What tasks of earlier states made, and no task has taken away, may be left behind too.",
  ];
}

function tellRun({ task, entry, attempt }: OpenRun): string {
  return `May be left behind: what task "${task}" (entry ${entry}, attempt ${attempt}), asked to stop, has made.`;
}

function tellTask({ name, status }: TaskState): string {
  return `May be left behind: what task "${name}", ${status}, has made.`;
}
