import { defined } from "@stackyard/core";
import type { StackDetails } from "@stackyard/sdk";
import { useState } from "react";
import { yard } from "../../api/client.ts";
import { newEventId } from "../../api/event-id.ts";
import { useOperation } from "../../app/use-operation.tsx";
import { ActionDialog } from "../../design/dialog.tsx";
import { Options, SelectField } from "../../design/fields.tsx";
import { Ago, Text } from "../../design/text.tsx";
import { toSeenTask } from "./to-seen-task.ts";

interface DialogProps {
  /** The present one. A dialog is about the one that was there when it opened, and the server refuses when something else is there. */
  readonly stack: StackDetails;
  readonly refusal: string | undefined;
  readonly onClose: () => void;
}

/** Cancels a task that runs or waits: a given one, or one of choice. */
export function CancelDialog({ stack: now, task, refusal, onClose }: DialogProps & { readonly task?: string }) {
  const [stack] = useState(now);
  const candidates = stack.tasks.filter(({ status }) => status === "PENDING");
  const [chosen, setChosen] = useState(task ?? candidates[0]?.name ?? "");
  const [id] = useState(newEventId);
  const run = useOperation(stack.id);
  const { attempt } = stack.tasks.find(({ name }) => name === chosen) ?? {};
  return (
    <ActionDialog
      title={`Cancel a task of ${stack.id}`}
      verb="Cancel task"
      danger
      reason="optional"
      refusal={refusal}
      act={(reason) =>
        run(`Cancel ${chosen}`, () =>
          yard.stacks.cancel(stack.id, chosen, { id, seen: toSeenTask(stack, chosen), ...defined({ reason }) }),
        )
      }
      onClose={onClose}
    >
      {task === undefined ? (
        <TaskChoice tasks={candidates} value={chosen} onChange={setChosen} />
      ) : (
        <p>
          Task <Text>{task}</Text>
        </p>
      )}
      <p>
        The task is requested to stop, and ends as cancelled; the state's reaction to FAILED follows. Resources that it
        has created remain.
      </p>
      {attempt !== undefined && attempt.status !== "settled" && (
        <p className="muted">
          Attempt {attempt.attempt}, sent <Ago at={attempt.dispatchedAt} />. Without a cancel it ends{" "}
          <Ago at={attempt.deadlineAt} /> at the latest.
        </p>
      )}
    </ActionDialog>
  );
}

/** Marks the failure that a degraded stack has left behind as seen. */
export function AcknowledgeDialog({ stack: now, refusal, onClose }: DialogProps) {
  const [stack] = useState(now);
  const seen = { incarnation: stack.incarnation, ...defined({ failedAt: stack.lastFailure?.at }) };
  const [id] = useState(newEventId);
  const run = useOperation(stack.id);
  return (
    <ActionDialog
      title={`Acknowledge the failure of ${stack.id}`}
      verb="Acknowledge"
      reason="required"
      refusal={refusal}
      act={(reason = "") => run("Acknowledge", () => yard.stacks.acknowledge(stack.id, { id, reason, seen }))}
      onClose={onClose}
    >
      <p>
        This repairs nothing: the stack stays degraded and keeps its error until the next success. It no longer counts
        among those that need attention, and shows who has acknowledged the failure and why.
      </p>
    </ActionDialog>
  );
}

/** Declares a task done by hand. */
export function SettleDialog({ stack: now, refusal, onClose }: DialogProps) {
  const [stack] = useState(now);
  const candidates = stack.tasks.filter(({ status }) => status !== "SATISFIED");
  const [chosen, setChosen] = useState(candidates[0]?.name ?? "");
  const [id] = useState(newEventId);
  const run = useOperation(stack.id);
  return (
    <ActionDialog
      title={`Settle a task of ${stack.id}`}
      verb="Settle task"
      danger
      reason="required"
      refusal={refusal}
      act={(reason = "") =>
        run(`Settle ${chosen}`, () =>
          yard.stacks.settle(stack.id, chosen, { id, reason, seen: toSeenTask(stack, chosen) }),
        )
      }
      onClose={onClose}
    >
      <TaskChoice tasks={candidates} value={chosen} onChange={setChosen} />
      <p>
        The task counts as succeeded, without outputs. Do this only when its work was done by hand. After the last task
        of its state, the stack advances.
      </p>
    </ActionDialog>
  );
}

/** Removes the record of a stack. */
export function RemoveDialog({ stack: now, refusal, onClose }: DialogProps) {
  const [stack] = useState(now);
  const [id] = useState(newEventId);
  const run = useOperation(stack.id);
  const open = stack.attempts.filter(({ status }) => status !== "settled");
  return (
    <ActionDialog
      title={`Remove ${stack.id}`}
      verb="Remove stack"
      danger
      reason="required"
      typed={stack.id}
      refusal={refusal}
      act={(reason = "") =>
        run(`Remove ${stack.id}`, () =>
          yard.stacks.remove(stack.id, { id, reason, seen: { incarnation: stack.incarnation } }),
        )
      }
      onClose={onClose}
    >
      <p>
        The record of the stack is removed by force. No task of its machine runs:{" "}
        <b>the resources that it has created remain and must be deleted by hand</b>. Its history is kept.
      </p>
      {open.length > 0 && (
        <p className="tone-warn">
          Still open: <Text>{open.map(({ task }) => task).join(", ")}</Text>
        </p>
      )}
    </ActionDialog>
  );
}

interface ChoiceProps {
  readonly tasks: StackDetails["tasks"];
  readonly value: string;
  readonly onChange: (task: string) => void;
}

function TaskChoice({ tasks, value, onChange }: ChoiceProps) {
  return (
    <SelectField title="Task" value={value} onChange={onChange}>
      <Options names={tasks.map(({ name }) => name)} />
    </SelectField>
  );
}
