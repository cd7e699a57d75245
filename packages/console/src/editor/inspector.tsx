import { type ReactNode, useState } from "react";
import { Button } from "../design/button.tsx";
import { Form } from "../design/fields.tsx";
import { IconButton } from "../design/icon-button.tsx";
import type { NameKind, Range } from "../machine/edits/operation.ts";
import type { Outline, OutlineState, OutlineTask } from "../machine/outline.ts";
import { toSafeText } from "../text/safe-text.ts";
import type { Edit } from "./edit.ts";
import { type FormSchemas, FormToggle, PartForm, TaskForm } from "./part-form.tsx";
import { Reactions } from "./reactions.tsx";
import { type Selection, stateOf } from "./selection.ts";
import { Tasks } from "./tasks.tsx";

interface InspectorProps {
  readonly outline: Outline;
  readonly selection: Selection;
  readonly schemas: FormSchemas;
  readonly edit: Edit;
  readonly onRename: (what: NameKind, name: string) => void;
  readonly onRemove: (what: NameKind, name: string) => void;
  readonly onReveal: (range: Range) => void;
  readonly onClose: () => void;
}

/** Renders the fields of the selected part. Each change is one edit of the text. Nothing is shown for what is gone. */
export function Inspector(props: InspectorProps) {
  const { outline, selection } = props;
  const state = outline.states.find(({ name }) => name === stateOf(selection));
  if (selection.kind === "machine") return <MachineForm {...props} />;
  if (selection.kind === "state") return state === undefined ? null : <StateForm {...props} state={state} />;
  if (selection.kind === "arrow") {
    const has = state?.reactions.some(({ event }) => event === selection.event);
    return state === undefined || !has ? null : <ArrowForm {...props} state={state} event={selection.event} />;
  }
  const task = outline.tasks.find(({ name }) => name === selection.task);
  return task === undefined ? null : <OneTaskForm {...props} task={task} />;
}

interface PanelProps {
  /** The word for what it is, such as `State`. */
  readonly kind: string;
  readonly name: string;
  /** For screen readers. */
  readonly label: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** Renders the fields of a part over the edge of the graph. */
function InspectorPanel({ kind, name, label, onClose, children }: PanelProps) {
  return (
    <section className="inspector stack-v" aria-label={label}>
      <header className="row nowrap spread">
        <div className="inspector-name">
          <span className="muted small">{kind}</span>
          <h2 tabIndex={-1}>{toSafeText(name)}</h2>
        </div>
        <IconButton icon="remove" label="Close the fields" onPress={onClose} />
      </header>
      {children}
    </section>
  );
}

/** The parts of a state that have a form of their own. */
const STATE_PARTS = ["tasks", "on"];

type StateProps = InspectorProps & { readonly state: OutlineState };

function StateForm(props: StateProps) {
  const { outline, state, schemas, edit, onReveal, onClose } = props;
  const { name } = state;
  return (
    <InspectorPanel kind="State" name={name} label={`State ${name}`} onClose={onClose}>
      <StateActions {...props} />
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
      <Tasks outline={outline} state={state} schemas={schemas} edit={edit} />
      <h3>On</h3>
      <Reactions outline={outline} state={state} schemas={schemas} edit={edit} onReveal={onReveal} />
    </InspectorPanel>
  );
}

function ArrowForm(props: StateProps & { readonly event: string }) {
  const { outline, state, event, schemas, edit, onReveal, onClose } = props;
  return (
    <InspectorPanel
      kind={`Reaction of ${toSafeText(state.name)}`}
      name={event}
      label={`Reaction ${event} of ${state.name}`}
      onClose={onClose}
    >
      <Reactions outline={outline} state={state} schemas={schemas} edit={edit} onReveal={onReveal} only={event} />
    </InspectorPanel>
  );
}

function OneTaskForm({ outline, task, schemas, onClose, ...on }: InspectorProps & { readonly task: OutlineTask }) {
  const { name } = task;
  return (
    <InspectorPanel kind="Task" name={name} label={`Task ${name}`} onClose={onClose}>
      <div className="row">
        <span data-renames={`task ${name}`}>
          <Button onPress={() => on.onRename("task", name)}>Rename</Button>
        </span>
        <span className="only-phone">
          <Button onPress={() => on.onReveal(task)}>Show in text</Button>
        </span>
        <Button look="danger" onPress={() => on.onRemove("task", name)}>
          Delete
        </Button>
      </div>
      <TaskForm schemas={schemas} outline={outline} task={task} />
    </InspectorPanel>
  );
}

function StateActions({ outline, state, edit, onRename, onRemove, onReveal }: StateProps) {
  const { name } = state;
  const states = outline.states.map((each) => each.name);
  const at = states.indexOf(name);
  const move = (after: string | undefined) => edit({ kind: "move", what: "state", name, after }, `move ${name}`);
  return (
    <div className="row">
      <span data-renames={`state ${name}`}>
        <Button onPress={() => onRename("state", name)}>Rename</Button>
      </span>
      <span className="only-phone">
        <Button onPress={() => onReveal(state.key)}>Show in text</Button>
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
  );
}

/** The parts of a machine that have a form of their own. */
const MACHINE_PARTS = ["version", "events", "metadata", "targets", "states", "tasks"];

function MachineForm(props: InspectorProps) {
  const { outline, schemas, edit, onClose } = props;
  const [event, setEvent] = useState("");
  return (
    <InspectorPanel kind={`Version ${outline.version}`} name="Machine" label="Machine" onClose={onClose}>
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
    </InspectorPanel>
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
      <h3>{title}</h3>
      {names.length === 0 && <p className="muted">none</p>}
      <ul className="name-list">
        {names.map((name) => (
          <li key={name} data-renames={`${what} ${name}`}>
            <button type="button" className="name" onClick={() => onReveal(findRange(outline, what, name))}>
              {toSafeText(name)}
            </button>
            <span className="name-actions">
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
          </li>
        ))}
      </ul>
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
