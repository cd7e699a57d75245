import { defined } from "@stackyard/core";
import { useState } from "react";
import { Offers } from "../design/fields.tsx";
import { IconButton } from "../design/icon-button.tsx";
import type { Range } from "../machine/edits/operation.ts";
import type { OutlineReaction } from "../machine/outline.ts";
import { toSafeText } from "../text/safe-text.ts";
import type { StateFormProps } from "./edit.ts";
import { NameSelect } from "./form-fields.tsx";
import { Headings } from "./headings.tsx";
import { type FormSchemas, PartForm } from "./part-form.tsx";

interface ReactionsProps extends StateFormProps {
  readonly schemas: FormSchemas;
  readonly onReveal: (range: Range) => void;
  /** Only the reactions to this event, without a row to add one. */
  readonly only?: string;
}

/** Renders the reactions of a state as a table, with one more to add. */
export function Reactions({ outline, state, schemas, edit, onReveal, only }: ReactionsProps) {
  const { name, reactions } = state;
  const known = [...outline.events.map((event) => event.name), "NEXT", "FAILED", "TIMEOUT"];
  const [event, setEvent] = useState("");
  const targets = [...outline.states.map((each) => each.name), "no-op"];
  const free = known.filter((each) => !reactions.some((reaction) => reaction.event === each));
  return (
    <table>
      <caption className="hidden-visually">Reactions of {name}</caption>
      <Headings names={["Event", "Condition", "Enters"]} />
      <tbody>
        {reactions
          .filter((reaction) => only === undefined || reaction.event === only)
          .map((reaction) => (
            <Reaction
              key={`${reaction.event} ${reaction.index ?? 0}`}
              outline={outline}
              state={state}
              schemas={schemas}
              edit={edit}
              reaction={reaction}
              targets={targets}
              onReveal={onReveal}
            />
          ))}
        {only === undefined && (
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
              <Offers id="free-events" names={free} />
            </td>
            <td />
            <td>
              <NameSelect
                label={`State that ${event || "the new event"} enters`}
                none={event === "" ? "Enter an event first" : "Choose a state…"}
                names={event === "" ? [] : targets}
                value=""
                onChange={(target) => {
                  edit({ kind: "add-reaction", state: name, event, target }, `add ${event} to ${name}`);
                  setEvent("");
                }}
              />
            </td>
            <td />
          </tr>
        )}
      </tbody>
    </table>
  );
}

/** The keys of an entry that its row has. */
const ROW_KEYS = ["when", "action", "state"];

interface ReactionProps extends ReactionsProps {
  readonly reaction: OutlineReaction;
  readonly targets: readonly string[];
}

function Reaction({ outline, state, schemas, edit, reaction, targets, onReveal }: ReactionProps) {
  const { event, index, target, raise, set } = reaction;
  const [isOpen, setOpen] = useState(raise !== undefined || set !== undefined);
  const place = { state: state.name, event, ...defined({ index }) };
  const label = `${event} of ${state.name}`;
  // A reaction that is only the name of a state becomes a list with its first key.
  const path = ["states", state.name, "on", event, index ?? 0];
  const entry = { schemas, outline, path, owner: label, of: ` of ${event}` };
  return (
    <>
      <tr>
        <td>
          <button type="button" className="link" onClick={() => onReveal(reaction)}>
            {toSafeText(event)}
          </button>
        </td>
        <td className="reaction-condition">{outline.version === 2 && <PartForm {...entry} only={["when"]} />}</td>
        <td>
          <NameSelect
            label={`State that ${event} enters`}
            names={targets}
            value={target ?? ""}
            onChange={(value) => edit({ kind: "change-target", ...place, target: value }, `target of ${label}`)}
          />
        </td>
        <td className="nowrap">
          {outline.version === 2 && (
            <IconButton
              icon="more"
              label={`What else ${event} does`}
              pressed={isOpen}
              onPress={() => setOpen(!isOpen)}
            />
          )}
          {index !== undefined && index > 0 && (
            <IconButton
              icon="up"
              label={`Move ${event} before the entry above`}
              onPress={() =>
                edit({ kind: "order-reaction", state: state.name, event, index, to: index - 1 }, `order of ${label}`)
              }
            />
          )}
          <IconButton
            icon="remove"
            label={`Delete the reaction to ${event}`}
            onPress={() => edit({ kind: "remove-reaction", ...place }, `delete ${label}`)}
          />
        </td>
      </tr>
      {isOpen && (
        <tr>
          <td colSpan={4} className="reaction-details">
            <div className="schema-fields">
              <PartForm {...entry} without={ROW_KEYS} />
            </div>
          </td>
        </tr>
      )}
    </>
  );
}
