import { useState } from "react";
import { IconButton } from "../design/icon-button.tsx";
import type { ReactionPlace } from "../machine/edits/operation.ts";
import type { Outline, OutlineReaction } from "../machine/outline.ts";
import type { Edit } from "./edit.ts";
import { NameSelect, TextField, toText, toValue } from "./form-fields.tsx";
import { type FormSchemas, PartForm } from "./part-form.tsx";

interface DetailsProps {
  readonly outline: Outline;
  readonly schemas: FormSchemas;
  readonly place: ReactionPlace;
  readonly reaction: OutlineReaction;
  readonly edit: Edit;
}

/** The keys of an entry that have a control of their own, here or in the row above. */
const OWN_KEYS = ["when", "action", "state", "set", "raise"];

/** Renders the further effects of a reaction: the event that it raises and the metadata that it sets. */
export function ReactionDetails({ outline, schemas, place, reaction: { raise, set = {} }, edit }: DetailsProps) {
  const { state, event } = place;
  const label = `${event} of ${state}`;
  const [key, setKey] = useState("");
  const free = outline.metadata.map(({ name }) => name).filter((name) => !Object.hasOwn(set, name));
  const setMetadata = (name: string, text: string) => {
    const value = text === "" ? undefined : toValue(outline, name, text);
    edit({ kind: "set-metadata", ...place, key: name, value }, `${name} set by ${label}`);
  };
  return (
    <div className="row">
      <span className="row">
        <span className="muted">Raises</span>
        <NameSelect
          label={`Event that ${event} raises`}
          none="nothing"
          names={outline.events.map(({ name }) => name)}
          value={raise ?? ""}
          onChange={(raised) =>
            edit({ kind: "set-raise", ...place, raise: raised === "" ? undefined : raised }, `raise of ${label}`)
          }
        />
      </span>
      {Object.entries(set).map(([name, value]) => (
        <span key={name} className="row">
          <TextField label={`Sets ${name} to`} value={toText(value)} onEnter={(text) => setMetadata(name, text)} />
          <IconButton icon="remove" label={`Do not set ${name}`} onPress={() => setMetadata(name, "")} />
        </span>
      ))}
      {free.length > 0 && (
        <NameSelect label={`Metadata that ${event} sets`} none="Set…" names={free} value={key} onChange={setKey} />
      )}
      {key !== "" && free.includes(key) && (
        <TextField
          hidden
          label={`Value of ${key}`}
          value=""
          placeholder={PLACEHOLDER}
          onEnter={(text) => setMetadata(key, text)}
        />
      )}
      {place.index !== undefined && (
        <PartForm
          schemas={schemas}
          outline={outline}
          path={["states", state, "on", event, place.index]}
          owner={label}
          without={OWN_KEYS}
        />
      )}
    </div>
  );
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder is that of a machine, in a plain string.
const PLACEHOLDER = "value or ${expression}";
