import { useState } from "react";
import { Button } from "../design/button.tsx";
import { Offers } from "../design/fields.tsx";
import { IconButton } from "../design/icon-button.tsx";
import type { Plain } from "../machine/edits/operation.ts";
import type { Outline, OutlineTask } from "../machine/outline.ts";
import { toSafeText } from "../text/safe-text.ts";
import type { StateFormProps } from "./edit.ts";
import { TextField, toText } from "./form-fields.tsx";
import { Headings } from "./headings.tsx";

interface TasksProps extends StateFormProps {
  readonly executors: readonly string[];
}

/** Renders the tasks of a state with their keys as a table. The config of a task is edited in the text. */
export function Tasks({ outline, state, executors, edit }: TasksProps) {
  return (
    <>
      <table>
        <caption>
          <h3>Tasks</h3>
        </caption>
        {state.tasks.length > 0 && <Headings names={outline.version === 2 ? V2_NAMES : V1_NAMES} />}
        <tbody>
          {state.tasks.map((name) => (
            <tr key={name}>
              <td>{toSafeText(name)}</td>
              <TaskKeys
                version={outline.version}
                task={outline.tasks.find((task) => task.name === name)}
                executors={executors}
                edit={edit}
              />
              <td>
                <IconButton
                  icon="remove"
                  label={`Remove ${name} from ${state.name}`}
                  onPress={() =>
                    edit(
                      { kind: "remove-from-state", state: state.name, task: name },
                      `remove ${name} from ${state.name}`,
                    )
                  }
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <NewTask outline={outline} state={state} executors={executors} edit={edit} />
    </>
  );
}

const V1_NAMES = ["Task", "Executor"];
const V2_NAMES = [...V1_NAMES, "Timeout", "Attempts"];

interface KeysProps extends Pick<TasksProps, "executors" | "edit"> {
  readonly version: Outline["version"];
  /** Undefined: listed by the state only. */
  readonly task: OutlineTask | undefined;
}

function TaskKeys({ version, task, executors, edit }: KeysProps) {
  if (task === undefined) {
    return (
      <td colSpan={version === 2 ? 3 : 1} className="muted">
        not declared
      </td>
    );
  }
  const { name, executor = "", value } = task;
  const setKey = (key: string, entered: string) =>
    edit({ kind: "set-key", what: "task", name, key, value: entered || undefined }, `${key} of ${name}`);
  return (
    <>
      <td>
        <TextField
          hidden
          label={`Executor of ${name}`}
          value={executor}
          offers={executors}
          onEnter={(entered) => entered !== "" && setKey("executor", entered)}
        />
      </td>
      {version === 2 && (
        <>
          <td>
            <TextField
              hidden
              label={`Timeout of ${name}`}
              value={toText(findValue(value, "timeout"))}
              placeholder="1h"
              onEnter={(entered) => setKey("timeout", entered)}
            />
          </td>
          <td>
            <TextField
              hidden
              label={`Attempts of ${name}`}
              value={toText(findValue(findValue(value, "retry"), "attempts"))}
              placeholder="1"
              onEnter={(entered) => {
                const number = Number(entered);
                // A text that is not a number is written too: the list of problems names it, as for every other key.
                const attempts = entered === "" ? undefined : Number.isNaN(number) ? entered : number;
                edit({ kind: "set-attempts", task: name, attempts }, `attempts of ${name}`);
              }}
            />
          </td>
        </>
      )}
    </>
  );
}

function findValue(map: Plain | undefined, key: string): Plain | undefined {
  if (typeof map !== "object" || map === null || Array.isArray(map)) return undefined;
  return Object.entries(map).find(([name]) => name === key)?.[1];
}

/** Returns what a new task begins as: of an executor that there is. */
function toNewTask(executors: readonly string[]): { readonly executor: string; readonly config: Plain } {
  const [first = "lambda"] = executors;
  return executors.length === 0 || executors.includes("lambda")
    ? { executor: "lambda", config: { name: "" } }
    : { executor: first, config: {} };
}

function NewTask({ outline, state, executors, edit }: TasksProps) {
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
        onKeyDown={({ key }) => key === "Enter" && add()}
      />
      <Offers id="tasks-known" names={outline.tasks.map((task) => task.name)} />
      <Button onPress={add}>Add task</Button>
    </div>
  );
}
