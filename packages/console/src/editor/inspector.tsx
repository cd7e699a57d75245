import { useState } from "react";
import { Button } from "../design/button.tsx";
import { Form } from "../design/fields.tsx";
import { IconButton } from "../design/icon-button.tsx";
import type { NameKind, Range } from "../machine/edits/operation.ts";
import type { Outline, OutlineState } from "../machine/outline.ts";
import { toSafeText } from "../text/safe-text.ts";
import type { Edit } from "./edit.ts";
import { type FormSchemas, FormToggle, PartForm, TaskForm } from "./part-form.tsx";
import { Reactions } from "./reactions.tsx";
import { Tasks } from "./tasks.tsx";

interface InspectorProps {
  readonly outline: Outline;
  readonly state: OutlineState | undefined;
  readonly schemas: FormSchemas;
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

/** The parts of a state that have a form of their own. */
const STATE_PARTS = ["tasks", "on"];

type StateProps = InspectorProps & { readonly state: OutlineState };

function StateForm(props: StateProps) {
  const { outline, state, schemas, edit, onReveal } = props;
  const { name } = state;
  return (
    <>
      <StateHeading {...props} />
      <div className="schema-fields">
        <PartForm
          schemas={schemas}
          outline={outline}
          path={["states", name]}
          owner={name}
          of=""
          without={STATE_PARTS}
        />
      </div>
      <Reactions outline={outline} state={state} schemas={schemas} edit={edit} onReveal={onReveal} />
      <Tasks outline={outline} state={state} schemas={schemas} edit={edit} />
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
          idle={at <= 0 ? "It is the first state" : undefined}
        />
        <IconButton
          icon="down"
          label={`Move ${name} down`}
          onPress={() => move(states[at + 1])}
          idle={at === states.length - 1 ? "It is the last state" : undefined}
        />
        <Button look="danger" onPress={() => onRemove("state", name)}>
          Delete
        </Button>
      </div>
    </div>
  );
}

/** The parts of a machine that have a form of their own. */
const MACHINE_PARTS = ["version", "events", "metadata", "targets", "states", "tasks"];

function MachineForm(props: InspectorProps) {
  const { outline, schemas, edit } = props;
  const [event, setEvent] = useState("");
  return (
    <>
      <div className="row spread">
        <h2 tabIndex={-1}>Machine</h2>
        <span className="muted">Version {outline.version}. Select a state to edit it.</span>
      </div>
      <div className="schema-fields">
        <PartForm schemas={schemas} outline={outline} path={[]} owner="the machine" of="" without={MACHINE_PARTS} />
      </div>
      <Names {...props} what="event" title="Events" names={outline.events.map(({ name }) => name)} />
      <Names {...props} what="task" title="Tasks" names={outline.tasks.map(({ name }) => name)} />
      <Names {...props} what="metadata" title="Metadata" names={outline.metadata.map(({ name }) => name)} />
      <Names {...props} what="target" title="Targets" names={outline.targets} />
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

interface NamesProps extends InspectorProps {
  readonly what: Exclude<NameKind, "state">;
  readonly title: string;
  readonly names: readonly string[];
}

const COLLECTIONS = { event: "events", task: "tasks", metadata: "metadata", target: "targets" } as const;

/** Renders the names of a kind that the machine declares; one of them is opened as a form. */
function Names({ what, title, names, outline, schemas, onRename, onRemove, onReveal }: NamesProps) {
  const [opened, setOpened] = useState<string>();
  const task = outline.tasks.find(({ name }) => what === "task" && name === opened);
  return (
    <>
      <div className="row">
        <h3>{title}</h3>
        {names.length === 0 && <span className="muted">none</span>}
        {names.map((name) => (
          <span key={name} className="command" data-renames={`${what} ${name}`}>
            <button type="button" className="link" onClick={() => onReveal(findRange(outline, what, name))}>
              {toSafeText(name)}
            </button>
            <IconButton icon="edit" label={`Rename ${name}`} onPress={() => onRename(what, name)} />
            <IconButton icon="remove" label={`Delete ${name}`} onPress={() => onRemove(what, name)} />
            {/* In version 1 only tasks have keys. */}
            {(outline.version === 2 || what === "task") && (
              <FormToggle
                name={name}
                isOpen={opened === name}
                onPress={() => setOpened(opened === name ? undefined : name)}
              />
            )}
          </span>
        ))}
      </div>
      {task !== undefined && <TaskForm schemas={schemas} outline={outline} task={task} />}
      {what !== "task" && opened !== undefined && names.includes(opened) && (
        <div className="schema-fields">
          <PartForm schemas={schemas} outline={outline} path={[COLLECTIONS[what], opened]} owner={opened} />
        </div>
      )}
    </>
  );
}

function findRange({ tasks }: Outline, what: NameKind, name: string): { from: number; to: number } {
  return (what === "task" && tasks.find((task) => task.name === name)) || { from: 0, to: 0 };
}
