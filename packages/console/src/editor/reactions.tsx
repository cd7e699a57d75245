import { useState } from "react";
import { Button } from "../design/button.tsx";
import { ActionsHeading } from "../design/text.tsx";
import type { Range } from "../machine/edits/operation.ts";
import type { Outline, OutlineReaction, OutlineState } from "../machine/outline.ts";
import { toSafeText } from "../text/safe-text.ts";
import type { Edit } from "./edit.ts";
import { TextField } from "./form-fields.tsx";

interface ReactionsProps {
  readonly outline: Outline;
  readonly state: OutlineState;
  readonly edit: Edit;
  readonly onReveal: (range: Range) => void;
}

/** The reactions of a state as a table, with one more to add. */
export function Reactions({ outline, state, edit, onReveal }: ReactionsProps) {
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
            <ActionsHeading />
          </th>
        </tr>
      </thead>
      <tbody>
        {reactions.map((reaction, index) => (
          <Reaction
            // biome-ignore lint/suspicious/noArrayIndexKey: reactions have their order as their only identity
            key={`${index} ${reaction.event}`}
            outline={outline}
            state={state}
            edit={edit}
            reaction={reaction}
            onReveal={onReveal}
          />
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

interface ReactionProps extends ReactionsProps {
  readonly reaction: OutlineReaction;
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
