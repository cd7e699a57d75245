import { useState } from "react";
import { Button } from "../design/button.tsx";
import { Form } from "../design/fields.tsx";
import { IconButton } from "../design/icon-button.tsx";
import type { NameKind, Range } from "../machine/edits/operation.ts";
import type { Outline, OutlineState } from "../machine/outline.ts";
import { toSafeText } from "../text/safe-text.ts";
import type { Edit, StateFormProps } from "./edit.ts";
import { Check, TextField, toText } from "./form-fields.tsx";
import { Reactions } from "./reactions.tsx";
import { Tasks } from "./tasks.tsx";
import { Timers } from "./timers.tsx";

interface InspectorProps {
  readonly outline: Outline;
  readonly state: OutlineState | undefined;
  readonly executors: readonly string[];
  readonly edit: Edit;
  readonly onRename: (what: NameKind, name: string) => void;
  readonly onRemove: (what: NameKind, name: string) => void;
  readonly onReveal: (range: Range) => void;
}

/** Renders the selected state, or the whole machine, as a form. Each change is one edit of the text. */
export function Inspector(props: InspectorProps) {
  return (
    <section className="inspector stack-v" aria-label={props.state ? `State ${props.state.name}` : "Machine"}>
      {props.state === undefined ? <MachineForm {...props} /> : <StateForm {...props} state={props.state} />}
    </section>
  );
}

type StateProps = InspectorProps & { readonly state: OutlineState };

function StateForm(props: StateProps) {
  const { outline, state, executors, edit, onReveal } = props;
  return (
    <>
      <StateHeading {...props} />
      <StateKeys outline={outline} state={state} edit={edit} />
      <Reactions outline={outline} state={state} edit={edit} onReveal={onReveal} />
      <Tasks outline={outline} state={state} executors={executors} edit={edit} />
      {outline.version === 2 && <Timers outline={outline} state={state} edit={edit} />}
    </>
  );
}

function StateHeading({ outline, state, edit, onRename, onRemove, onReveal }: StateProps) {
  const { name } = state;
  const states = outline.states.map((each) => each.name);
  const at = states.indexOf(name);
  const move = (after: string | undefined) => edit({ kind: "move", what: "state", name, after }, `move ${name}`);
  return (
    <div className="row spread">
      <h2 tabIndex={-1}>{toSafeText(name)}</h2>
      <div className="row">
        <Button onPress={() => onReveal(state.key)}>Show in text</Button>
        <span data-renames={`state ${name}`}>
          <Button onPress={() => onRename("state", name)}>Rename</Button>
        </span>
        <IconButton
          icon="up"
          label={`Move ${name} up`}
          onPress={() => move(states[at - 2])}
          refusal={at <= 0 ? "It is the first state" : undefined}
        />
        <IconButton
          icon="down"
          label={`Move ${name} down`}
          onPress={() => move(states[at + 1])}
          refusal={at === states.length - 1 ? "It is the last state" : undefined}
        />
        <Button look="danger" onPress={() => onRemove("state", name)}>
          Delete
        </Button>
      </div>
    </div>
  );
}

function StateKeys({ outline, state: { name, keys }, edit }: StateFormProps) {
  const setKey = (key: string, value: string | boolean | undefined) =>
    edit({ kind: "set-key", what: "state", name, key, value }, `${key} of ${name}`);
  const terminal = (
    <Check
      label="Terminal"
      checked={keys["terminal"] === true}
      onChange={(on) => setKey("terminal", on || undefined)}
    />
  );
  if (outline.version === 1) return <div className="row">{terminal}</div>;
  return (
    <div className="row">
      {terminal}
      <Check
        label="Protected"
        checked={keys["protected"] === true}
        onChange={(on) => setKey("protected", on || undefined)}
      />
      <TextField
        label="Timeout"
        value={toText(keys["timeout"])}
        placeholder="45m"
        onEnter={(value) => setKey("timeout", value || undefined)}
      />
      <label className="row">
        Leaving
        <select
          className="input"
          value={toText(keys["leaving"])}
          onChange={({ target }) => setKey("leaving", target.value || undefined)}
        >
          <option value="">wait (default)</option>
          <option>wait</option>
          <option>abandon</option>
          <option>cancel</option>
        </select>
      </label>
    </div>
  );
}

function MachineForm({ outline, edit, onRename, onRemove, onReveal }: InspectorProps) {
  const [event, setEvent] = useState("");
  const groups: readonly (readonly [NameKind, string, readonly string[]])[] = [
    ["event", "Events", outline.events.map(({ name }) => name)],
    ["task", "Tasks", outline.tasks.map(({ name }) => name)],
    ["metadata", "Metadata", outline.metadata.map(({ name }) => name)],
    ["target", "Targets", outline.targets],
  ];
  return (
    <>
      <div className="row spread">
        <h2 tabIndex={-1}>Machine</h2>
        <span className="muted">Version {outline.version}. Select a state to edit it.</span>
      </div>
      {outline.version === 2 && (
        <TextField
          label="Description"
          value={outline.description ?? ""}
          onEnter={(value) => edit({ kind: "describe", value: value || undefined }, "description")}
        />
      )}
      {groups.map(([what, title, names]) => (
        <div key={what} className="row">
          <h3>{title}</h3>
          {names.length === 0 && <span className="muted">none</span>}
          {names.map((name) => (
            <span key={name} className="command" data-renames={`${what} ${name}`}>
              <button type="button" className="link" onClick={() => onReveal(findRange(outline, what, name))}>
                {toSafeText(name)}
              </button>
              <IconButton icon="edit" label={`Rename ${name}`} onPress={() => onRename(what, name)} />
              <IconButton icon="remove" label={`Delete ${name}`} onPress={() => onRemove(what, name)} />
            </span>
          ))}
        </div>
      ))}
      <Form
        className="row"
        onSubmit={() => {
          if (event !== "") edit({ kind: "declare-event", name: event }, `declare ${event}`);
          setEvent("");
        }}
      >
        <input
          className="input"
          style={{ width: "10rem" }}
          aria-label="Event to declare"
          placeholder="EVENT"
          value={event}
          onChange={({ target }) => setEvent(target.value)}
        />
        <Button type="submit">Declare event</Button>
      </Form>
    </>
  );
}

function findRange({ tasks }: Outline, what: NameKind, name: string): { from: number; to: number } {
  return (what === "task" && tasks.find((task) => task.name === name)) || { from: 0, to: 0 };
}
