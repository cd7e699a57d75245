import { defined } from "@stackyard/core";
import type { StackDetails } from "@stackyard/sdk";
import { useState } from "react";
import { yard } from "../api/client.ts";
import { newEventId } from "../api/event-id.ts";
import { ActionDialog } from "../design/dialog.tsx";
import { Options, SelectField } from "../design/fields.tsx";
import { Ago, Text } from "../design/text.tsx";
import { useOperation } from "./use-operation.tsx";

interface DialogProps {
  readonly stack: StackDetails;
  /** The task, where it is given. */
  readonly task?: string;
  readonly refusal: string | undefined;
  readonly onClose: () => void;
}

/** Cancels a task that runs or waits. */
export function CancelDialog({ stack, task, refusal, onClose }: DialogProps) {
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
        run(`Cancel ${chosen}`, () => yard.stacks.cancel(stack.id, chosen, { id, ...defined({ reason }) }))
      }
      onClose={onClose}
    >
      <TaskChoice tasks={candidates} fixed={task} value={chosen} onChange={setChosen} />
      <p>
        The task is asked to stop, and ends as cancelled; the state's reaction to FAILED follows. What it has made
        stays.
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

/** Declares a task done by hand. */
export function SettleDialog({ stack, task, refusal, onClose }: DialogProps) {
  const candidates = stack.tasks.filter(({ status }) => status !== "SATISFIED");
  const [chosen, setChosen] = useState(task ?? candidates[0]?.name ?? "");
  const [id] = useState(newEventId);
  const run = useOperation(stack.id);
  return (
    <ActionDialog
      title={`Settle a task of ${stack.id}`}
      verb="Settle task"
      danger
      reason="required"
      refusal={refusal}
      act={(reason = "") => run(`Settle ${chosen}`, () => yard.stacks.settle(stack.id, chosen, { id, reason }))}
      onClose={onClose}
    >
      <TaskChoice tasks={candidates} fixed={task} value={chosen} onChange={setChosen} />
      <p>
        The task counts as succeeded, without outputs. Do this only when its work was done by hand. The last task of a
        state lets the stack go on.
      </p>
    </ActionDialog>
  );
}

/** Removes the record of a stack. */
export function RemoveDialog({ stack, refusal, onClose }: DialogProps) {
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
      act={(reason = "") => run(`Remove ${stack.id}`, () => yard.stacks.remove(stack.id, { id, reason }))}
      onClose={onClose}
    >
      <p>
        The yard forgets the stack by force. No task of its machine runs for that:{" "}
        <b>what it has made stays and must be deleted by hand</b>. Its history remains.
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
  readonly fixed: string | undefined;
  readonly value: string;
  readonly onChange: (task: string) => void;
}

function TaskChoice({ tasks, fixed, value, onChange }: ChoiceProps) {
  if (fixed !== undefined) {
    return (
      <p>
        Task <Text>{fixed}</Text>
      </p>
    );
  }
  return (
    <SelectField title="Task" value={value} onChange={onChange}>
      <Options names={tasks.map(({ name }) => name)} />
    </SelectField>
  );
}
