import { useState } from "react";
import { Button } from "../design/button.tsx";
import { Offers } from "../design/fields.tsx";
import { IconButton } from "../design/icon-button.tsx";
import { isEnter } from "../design/keys.ts";
import { Text } from "../design/text.tsx";
import type { Plain } from "../machine/edits/operation.ts";
import type { KnownExecutor } from "../machine/messages.ts";
import type { StateFormProps } from "./edit.ts";
import { type FormSchemas, TaskForm } from "./part-form.tsx";

interface TasksProps extends StateFormProps {
  readonly schemas: FormSchemas;
}

/** More tasks than this begin closed. */
const OPEN_TASKS = 1;

/** Renders the tasks of a state, each as a form. */
export function Tasks({ outline, state, schemas, edit }: TasksProps) {
  return (
    <section className="stack-v" aria-label={`Tasks of ${state.name}`}>
      <h3>Tasks</h3>
      {state.tasks.map((name) => (
        <OneTask key={name} name={name} outline={outline} state={state} schemas={schemas} edit={edit} />
      ))}
      <NewTask outline={outline} state={state} schemas={schemas} edit={edit} />
    </section>
  );
}

function OneTask({ name, outline, state, schemas, edit }: TasksProps & { readonly name: string }) {
  const [isOpen, setOpen] = useState(state.tasks.length <= OPEN_TASKS);
  const task = outline.tasks.find((each) => each.name === name);
  const remove = () =>
    edit({ kind: "remove-from-state", state: state.name, task: name }, `remove ${name} from ${state.name}`);
  return (
    <div className="task-form">
      <details open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          <b>
            <Text>{name}</Text>
          </b>{" "}
          <span className="muted">
            {task === undefined ? "not declared" : <Text>{task.executor ?? "no executor"}</Text>}
          </span>
        </summary>
        {isOpen && task !== undefined && <TaskForm schemas={schemas} outline={outline} task={task} />}
      </details>
      <IconButton icon="remove" label={`Remove ${name} from ${state.name}`} onPress={remove} />
    </div>
  );
}

/** Returns what a new task begins as: of an executor that there is. */
function toNewTask(executors: readonly KnownExecutor[]): { readonly executor: string; readonly config: Plain } {
  const [first] = executors;
  return first === undefined || executors.some(({ name }) => name === "lambda")
    ? { executor: "lambda", config: { name: "" } }
    : { executor: first.name, config: {} };
}

function NewTask({ outline, state, schemas: { executors }, edit }: TasksProps) {
  const [name, setName] = useState("");
  const add = () => {
    if (name === "") return;
    const isNew = !outline.tasks.some((task) => task.name === name);
    edit({ kind: "add-task", state: state.name, name, ...(isNew && toNewTask(executors)) }, `add task ${name}`);
    setName("");
  };
  return (
    <div className="row">
      <input
        className="input"
        style={{ width: "10rem" }}
        aria-label="Task to add"
        list="tasks-known"
        placeholder="task"
        value={name}
        onChange={({ target }) => setName(target.value)}
        onKeyDown={(event) => isEnter(event) && add()}
      />
      <Offers id="tasks-known" names={outline.tasks.map((task) => task.name)} />
      <Button onPress={add}>Add task</Button>
    </div>
  );
}
