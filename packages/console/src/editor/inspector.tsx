import { type ReactNode, useState } from "react";
import { Button } from "../design/button.tsx";
import type { NameKind, Operation } from "../machine/edits/operation.ts";
import type { Outline, OutlineReaction, OutlineState } from "../machine/outline.ts";
import { toSafeText } from "../text/safe-text.ts";

/** Plans an edit and applies it; `label` names its undo. */
export type Edit = (operation: Operation, label: string) => void;

interface InspectorProps {
  readonly outline: Outline;
  readonly state: OutlineState | undefined;
  readonly edit: Edit;
  readonly onRename: (what: NameKind, name: string) => void;
  readonly onRemove: (what: NameKind, name: string) => void;
  readonly onReveal: (range: { readonly from: number; readonly to: number }) => void;
}

/** The selected state, or the whole machine, as a form. Each change is one edit of the text. */
export function Inspector(props: InspectorProps) {
  return (
    <section className="inspector stack-v" aria-label={props.state ? `State ${props.state.name}` : "Machine"}>
      {props.state === undefined ? <MachineForm {...props} /> : <StateForm {...props} state={props.state} />}
    </section>
  );
}

function StateForm({
  outline,
  state,
  edit,
  onRename,
  onRemove,
  onReveal,
}: InspectorProps & { readonly state: OutlineState }) {
  const { name } = state;
  const states = outline.states.map((each) => each.name);
  const at = states.indexOf(name);
  const isSecond = outline.version === 2;
  const setKey = (key: string, value: string | boolean | undefined) =>
    edit({ kind: "set-key", what: "state", name, key, value }, `${key} of ${name}`);
  const move = (after: string | undefined) => edit({ kind: "move", what: "state", name, after }, `move ${name}`);
  return (
    <>
      <div className="row spread">
        <h2>{toSafeText(name)}</h2>
        <div className="row">
          <Button onPress={() => onReveal(state.key)}>Show in text</Button>
          <Button onPress={() => onRename("state", name)}>Rename</Button>
          <Button
            look="plain"
            label={`Move ${name} up`}
            onPress={() => move(states[at - 2])}
            refusal={at <= 0 ? "It is the first state" : undefined}
          >
            ↑
          </Button>
          <Button
            look="plain"
            label={`Move ${name} down`}
            onPress={() => move(states[at + 1])}
            refusal={at === states.length - 1 ? "It is the last state" : undefined}
          >
            ↓
          </Button>
          <Button look="danger" onPress={() => onRemove("state", name)}>
            Delete
          </Button>
        </div>
      </div>
      <div className="row">
        <Check
          label="Terminal"
          checked={state.keys["terminal"] === true}
          onChange={(on) => setKey("terminal", on || undefined)}
        />
        {isSecond && (
          <Check
            label="Protected"
            checked={state.keys["protected"] === true}
            onChange={(on) => setKey("protected", on || undefined)}
          />
        )}
        {isSecond && (
          <TextField
            label="Time-out"
            value={toText(state.keys["timeout"])}
            placeholder="45m"
            onEnter={(value) => setKey("timeout", value || undefined)}
          />
        )}
        {isSecond && (
          <label className="row">
            Leaving
            <select
              className="input"
              value={toText(state.keys["leaving"])}
              onChange={({ target }) => setKey("leaving", target.value || undefined)}
            >
              <option value="">wait (default)</option>
              <option>wait</option>
              <option>abandon</option>
              <option>cancel</option>
            </select>
          </label>
        )}
      </div>
      <Reactions outline={outline} state={state} edit={edit} onReveal={onReveal} />
      <TaskList outline={outline} state={state} edit={edit} />
      {isSecond && <Timers outline={outline} state={state} edit={edit} />}
    </>
  );
}

function toText(value: unknown): string {
  return value === undefined || value === null ? "" : String(value);
}

function Check({ label, checked, onChange }: { label: string; checked: boolean; onChange: (on: boolean) => void }) {
  return (
    <label className="row">
      <input
        type="checkbox"
        style={{ width: "auto", minWidth: 0 }}
        checked={checked}
        onChange={({ target }) => onChange(target.checked)}
      />
      {label}
    </label>
  );
}

interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly hidden?: boolean;
  readonly onEnter: (value: string) => void;
}

/** A text that is taken when the field is left or Enter is pressed. */
function TextField({ label, value, placeholder, hidden, onEnter }: TextFieldProps) {
  const [text, setText] = useState(value);
  const [known, setKnown] = useState(value);
  if (known !== value) {
    setKnown(value);
    setText(value);
  }
  const enter = () => {
    if (text.trim() !== value) onEnter(text.trim());
  };
  const input = (
    <input
      className="input"
      aria-label={label}
      value={text}
      placeholder={placeholder}
      spellCheck={false}
      onChange={({ target }) => setText(target.value)}
      onBlur={enter}
      onKeyDown={({ key }) => {
        if (key === "Enter") enter();
        if (key === "Escape") setText(value);
      }}
    />
  );
  return hidden ? (
    input
  ) : (
    // biome-ignore lint/a11y/noLabelWithoutControl: the input is inside
    <label className="row">
      {label} {input}
    </label>
  );
}

type PartProps = Pick<InspectorProps, "outline" | "edit"> & { readonly state: OutlineState };

function Reactions({ outline, state, edit, onReveal }: PartProps & Pick<InspectorProps, "onReveal">) {
  const { name, reactions } = state;
  const known = [...outline.events.map((event) => event.name), "NEXT", "FAILED", "TIMEOUT"];
  const [event, setEvent] = useState("");
  const free = known.filter((each) => !reactions.some((reaction) => reaction.event === each));
  return (
    <table>
      <caption className="hidden-visually">Reactions of {name}</caption>
      <thead>
        <tr>
          <th scope="col">Event</th>
          <th scope="col">Condition</th>
          <th scope="col">Enters</th>
          <th scope="col">
            <span className="hidden-visually">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {reactions.map((reaction, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: reactions have their order as their only identity
          <Reaction key={`${index} ${reaction.event}`} {...{ outline, state, edit, reaction, onReveal }} />
        ))}
        <tr>
          <td>
            <input
              className="input"
              aria-label="New event"
              list="free-events"
              placeholder="EVENT"
              value={event}
              onChange={({ target }) => setEvent(target.value)}
            />
            <datalist id="free-events">
              {free.map((each) => (
                <option key={each} value={each} />
              ))}
            </datalist>
          </td>
          <td />
          <td>
            <Target
              label={`State that ${event || "the new event"} enters`}
              outline={outline}
              value=""
              onChange={(target) => {
                if (event === "") return;
                edit({ kind: "add-reaction", state: name, event, target }, `add ${event} to ${name}`);
                setEvent("");
              }}
            />
          </td>
          <td className="muted">{event === "" ? "Enter an event, then choose a state." : "Choose a state."}</td>
        </tr>
      </tbody>
    </table>
  );
}

interface ReactionProps extends PartProps {
  readonly reaction: OutlineReaction;
  readonly onReveal: InspectorProps["onReveal"];
}

function Reaction({ outline, state, edit, reaction, onReveal }: ReactionProps) {
  const { event, index, when, target } = reaction;
  const place = { state: state.name, event, ...(index !== undefined && { index }) };
  const label = `${event} of ${state.name}`;
  return (
    <tr>
      <td>
        <button type="button" className="link" onClick={() => onReveal(reaction)}>
          {toSafeText(event)}
        </button>
      </td>
      <td>
        {outline.version === 2 && (
          <TextField
            hidden
            label={`Condition of ${event}`}
            value={when ?? ""}
            placeholder="always"
            onEnter={(value) =>
              edit({ kind: "set-condition", ...place, when: value === "" ? undefined : value }, `condition of ${label}`)
            }
          />
        )}
      </td>
      <td>
        <Target
          label={`State that ${event} enters`}
          outline={outline}
          value={target ?? ""}
          onChange={(value) => edit({ kind: "change-target", ...place, target: value }, `target of ${label}`)}
        />
      </td>
      <td className="nowrap">
        {index !== undefined && index > 0 && (
          <Button
            look="plain"
            label={`Move ${event} before the entry above`}
            onPress={() =>
              edit({ kind: "order-reaction", state: state.name, event, index, to: index - 1 }, `order of ${label}`)
            }
          >
            ↑
          </Button>
        )}
        <Button
          look="plain"
          label={`Delete the reaction to ${event}`}
          onPress={() => edit({ kind: "remove-reaction", ...place }, `delete ${label}`)}
        >
          ✕
        </Button>
      </td>
    </tr>
  );
}

interface TargetProps {
  readonly label: string;
  readonly outline: Outline;
  readonly value: string;
  readonly onChange: (target: string) => void;
}

function Target({ label, outline, value, onChange }: TargetProps) {
  const states = outline.states.map(({ name }) => name);
  const options = value === "" || states.includes(value) || value === "no-op" ? states : [value, ...states];
  return (
    <select className="input" aria-label={label} value={value} onChange={({ target }) => onChange(target.value)}>
      {value === "" && <option value="">–</option>}
      {[...options, "no-op"].map((name) => (
        <option key={name} value={name}>
          {toSafeText(name)}
        </option>
      ))}
    </select>
  );
}

function TaskList({ outline, state, edit }: PartProps) {
  const [name, setName] = useState("");
  const add = () => {
    if (name === "") return;
    const isNew = !outline.tasks.some((task) => task.name === name);
    edit(
      { kind: "add-task", state: state.name, name, ...(isNew && { executor: "lambda", config: { name: "" } }) },
      `add task ${name}`,
    );
    setName("");
  };
  return (
    <div className="row">
      <h3>Tasks</h3>
      {state.tasks.map((task) => (
        <Chip
          key={task}
          text={task}
          label={`Remove ${task} from ${state.name}`}
          onRemove={() =>
            edit({ kind: "remove-from-state", state: state.name, task }, `remove ${task} from ${state.name}`)
          }
        />
      ))}
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
      <datalist id="tasks-known">
        {outline.tasks.map((task) => (
          <option key={task.name} value={task.name} />
        ))}
      </datalist>
      <Button onPress={add}>Add task</Button>
    </div>
  );
}

function Chip({ text, label, onRemove }: { text: ReactNode; label: string; onRemove: () => void }) {
  return (
    <span className="command">
      {typeof text === "string" ? toSafeText(text) : text}
      <Button look="plain" label={label} onPress={onRemove}>
        ✕
      </Button>
    </span>
  );
}

function Timers({ outline, state, edit }: PartProps) {
  const [length, setLength] = useState("72h");
  const events = outline.events.map(({ name }) => name);
  return (
    <div className="row">
      <h3>Timers</h3>
      {state.timers.map((timer, index) => (
        <Chip
          // biome-ignore lint/suspicious/noArrayIndexKey: timers have their order as their only identity
          key={`${index} ${timer.in}`}
          text={`${timer.event} after ${timer.in}`}
          label={`Delete the timer ${timer.event}`}
          onRemove={() => edit({ kind: "remove-timer", state: state.name, index }, `delete timer of ${state.name}`)}
        />
      ))}
      <input
        className="input"
        style={{ width: "5rem" }}
        aria-label="Length of the timer"
        value={length}
        onChange={({ target }) => setLength(target.value)}
      />
      <select
        className="input"
        style={{ width: "auto" }}
        aria-label="Add a timer that sends"
        value=""
        onChange={({ target }) =>
          edit({ kind: "add-timer", state: state.name, in: length, event: target.value }, `add timer to ${state.name}`)
        }
      >
        <option value="">Add timer…</option>
        {events.map((event) => (
          <option key={event}>{toSafeText(event)}</option>
        ))}
      </select>
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
        <h2>Machine</h2>
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
            <span key={name} className="command">
              <button type="button" className="link" onClick={() => onReveal(findRange(outline, what, name))}>
                {toSafeText(name)}
              </button>
              <Button look="plain" label={`Rename ${name}`} onPress={() => onRename(what, name)}>
                ✎
              </Button>
              <Button look="plain" label={`Delete ${name}`} onPress={() => onRemove(what, name)}>
                ✕
              </Button>
            </span>
          ))}
        </div>
      ))}
      <form
        className="row"
        onSubmit={(submitted) => {
          submitted.preventDefault();
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
      </form>
    </>
  );
}

function findRange({ tasks }: Outline, what: NameKind, name: string): { from: number; to: number } {
  return (what === "task" && tasks.find((task) => task.name === name)) || { from: 0, to: 0 };
}
