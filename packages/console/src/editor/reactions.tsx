import { defined } from "@stackyard/core";
import { useState } from "react";
import { Offers } from "../design/fields.tsx";
import { IconButton } from "../design/icon-button.tsx";
import type { Range } from "../machine/edits/operation.ts";
import type { OutlineReaction } from "../machine/outline.ts";
import { toSafeText } from "../text/safe-text.ts";
import type { StateFormProps } from "./edit.ts";
import { NameSelect, TextField } from "./form-fields.tsx";
import { Headings } from "./headings.tsx";
import type { FormSchemas } from "./part-form.tsx";
import { ReactionDetails } from "./reaction-details.tsx";

interface ReactionsProps extends StateFormProps {
  readonly schemas: FormSchemas;
  readonly onReveal: (range: Range) => void;
}

/** Renders the reactions of a state as a table, with one more to add. */
export function Reactions({ outline, state, schemas, edit, onReveal }: ReactionsProps) {
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
        {reactions.map((reaction, index) => (
          <Reaction
            // biome-ignore lint/suspicious/noArrayIndexKey: reactions have their order as their only identity
            key={`${index} ${reaction.event}`}
            outline={outline}
            state={state}
            schemas={schemas}
            edit={edit}
            reaction={reaction}
            targets={targets}
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
      </tbody>
    </table>
  );
}

interface ReactionProps extends ReactionsProps {
  readonly reaction: OutlineReaction;
  readonly targets: readonly string[];
}

function Reaction({ outline, state, schemas, edit, reaction, targets, onReveal }: ReactionProps) {
  const { event, index, when, target, raise, set } = reaction;
  const [isOpen, setOpen] = useState(raise !== undefined || set !== undefined);
  const place = { state: state.name, event, ...defined({ index }) };
  const label = `${event} of ${state.name}`;
  return (
    <>
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
                edit(
                  { kind: "set-condition", ...place, when: value === "" ? undefined : value },
                  `condition of ${label}`,
                )
              }
            />
          )}
        </td>
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
            <ReactionDetails outline={outline} schemas={schemas} place={place} reaction={reaction} edit={edit} />
          </td>
        </tr>
      )}
    </>
  );
}
