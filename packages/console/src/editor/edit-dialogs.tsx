import { defined } from "@stackyard/core";
import { type ReactNode, useEffect, useState } from "react";
import { Button } from "../design/button.tsx";
import { Dialog, DialogButtons } from "../design/dialog.tsx";
import { Form, Offers, Options, SelectField, TextField } from "../design/fields.tsx";
import { Text } from "../design/text.tsx";
import type { NameKind, Range, Refusal } from "../machine/edits/operation.ts";
import { machineClient } from "../machine/machine-client.ts";
import type { Removals } from "../machine/messages.ts";
import type { Outline } from "../machine/outline.ts";
import type { Edit } from "./edit.ts";

/** A dialog of the editor that is open. */
export type OpenDialog =
  | { readonly kind: "add-state"; readonly after: string | undefined }
  | { readonly kind: "rename"; readonly what: NameKind; readonly name: string }
  | { readonly kind: "connect"; readonly from: string; readonly to?: string }
  | { readonly kind: "remove"; readonly what: NameKind; readonly name: string }
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly label: string };

interface DialogProps {
  readonly text: string;
  readonly outline: Outline;
  readonly edit: Edit;
  readonly onReveal: (range: Range) => void;
  readonly onClose: () => void;
}

/** The props of a dialog about something that has a name. */
interface NamedDialogProps extends DialogProps {
  readonly what: NameKind;
  readonly name: string;
}

/** Renders the open dialog. */
export function EditDialog({ dialog, ...props }: DialogProps & { readonly dialog: OpenDialog }) {
  switch (dialog.kind) {
    case "add-state":
      return (
        <NameDialog
          title="Add a state"
          verb="Add"
          name=""
          onClose={props.onClose}
          onName={(name) => props.edit({ kind: "add-state", name, ...defined({ after: dialog.after }) }, `add ${name}`)}
        />
      );
    case "rename":
      return <RenameDialog {...props} what={dialog.what} name={dialog.name} />;
    case "connect":
      return <ConnectDialog {...props} from={dialog.from} to={dialog.to} />;
    case "remove":
      return <RemoveDialog {...props} what={dialog.what} name={dialog.name} />;
    case "refused":
      return <RefusalDialog {...props} refusal={dialog.refusal} label={dialog.label} />;
  }
}

interface NameProps {
  readonly title: string;
  readonly verb: string;
  readonly name: string;
  readonly onName: (name: string) => void;
  readonly onClose: () => void;
  readonly children?: ReactNode;
}

function NameDialog({ title, verb, name, onName, onClose, children }: NameProps) {
  const [text, setText] = useState(name);
  const entered = text.trim();
  return (
    <Dialog title={title} onClose={onClose}>
      <Form
        onSubmit={() => {
          if (entered === "" || entered === name) return;
          onClose();
          onName(entered);
        }}
      >
        <TextField title="Name" autoFocus onFocus={({ target }) => target.select()} value={text} onChange={setText} />
        {children}
        <DialogButtons
          verb={verb}
          refusal={entered === "" || entered === name ? "Enter a new name" : undefined}
          onClose={onClose}
        />
      </Form>
    </Dialog>
  );
}

function RenameDialog({ text, what, name, edit, onReveal, onClose }: NamedDialogProps) {
  const [literals, setLiterals] = useState<readonly Range[]>([]);
  const [renamesLiterals, setRenamesLiterals] = useState(false);
  useEffect(() => {
    machineClient.run("literals", { text, name }).then(setLiterals, () => setLiterals([]));
  }, [text, name]);
  return (
    <NameDialog
      title={`Rename ${name}`}
      verb="Rename"
      name={name}
      onClose={onClose}
      onName={(to) =>
        edit({ kind: "rename", what, from: name, to, ...(renamesLiterals && { literals: true }) }, `rename ${name}`)
      }
    >
      <p className="muted">Everything that refers to it changes too, in expressions as well.</p>
      {literals.length > 0 && (
        <>
          <p>These expressions contain a text that equals the name and may mean something else:</p>
          <Lines text={text} places={literals} onReveal={onReveal} />
          <label className="row">
            <input
              type="checkbox"
              checked={renamesLiterals}
              onChange={({ target }) => setRenamesLiterals(target.checked)}
            />
            Change these texts too
          </label>
        </>
      )}
    </NameDialog>
  );
}

interface ConnectDialogProps extends DialogProps {
  readonly from: string;
  readonly to: string | undefined;
}

function ConnectDialog({ outline, edit, from, to, onClose }: ConnectDialogProps) {
  const [event, setEvent] = useState("");
  const [target, setTarget] = useState(to ?? outline.states[0]?.name ?? "");
  const known = ["NEXT", "FAILED", "TIMEOUT", ...outline.events.map(({ name }) => name)];
  return (
    <Dialog title={`Reaction of ${from}`} onClose={onClose}>
      <Form
        onSubmit={() => {
          if (event === "") return;
          onClose();
          edit({ kind: "add-reaction", state: from, event, target }, `add ${event} to ${from}`);
        }}
      >
        <label className="field">
          Event
          <input
            autoFocus
            list="known-events"
            value={event}
            placeholder="NEXT"
            spellCheck={false}
            onChange={(changed) => setEvent(changed.target.value)}
          />
        </label>
        <Offers id="known-events" names={known} />
        <SelectField title="Enters" value={target} onChange={setTarget}>
          <Options names={[...outline.states.map(({ name }) => name), "no-op"]} />
        </SelectField>
        <p className="muted">An event that is not declared yet is declared too.</p>
        <DialogButtons verb="Add" refusal={event === "" ? "Enter an event" : undefined} onClose={onClose} />
      </Form>
    </Dialog>
  );
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

function RemoveDialog({ text, what, name, edit, onReveal, onClose }: NamedDialogProps) {
  const [removals, setRemovals] = useState<Removals>();
  const [error, setError] = useState<string>();
  useEffect(() => {
    machineClient.run("removals", { text, what, name }).then(setRemovals, (thrown: Error) => setError(thrown.message));
  }, [text, what, name]);
  const blocked = removals?.blocked ?? [];
  return (
    <Dialog title={`Delete ${name}`} onClose={onClose}>
      <section>
        {error !== undefined && <p className="wrap">{error}</p>}
        {removals !== undefined && <p>What goes:</p>}
        <ul className="places">
          {removals?.removed.map((each) => (
            <li key={each.path}>
              <Button look="plain" onPress={() => onReveal(each)}>
                Line {lineOf(text, each.from)}
              </Button>{" "}
              <Text mono>{each.path}</Text>
            </li>
          ))}
        </ul>
        {blocked.length > 0 && (
          <div className="notice fail" role="alert">
            <p>Expressions mention it. Change them first:</p>
            {blocked.map((range) => (
              <Button key={range.from} look="plain" onPress={() => onReveal(range)}>
                Line {lineOf(text, range.from)}
              </Button>
            ))}
          </div>
        )}
        <div className="row">
          <Button
            look="danger"
            autoFocus
            refusal={blocked.length > 0 ? "Expressions mention it" : undefined}
            onPress={() => {
              onClose();
              edit({ kind: "remove", what, name }, `delete ${name}`);
            }}
          >
            Delete
          </Button>
          <Button onPress={onClose}>Close</Button>
        </div>
      </section>
    </Dialog>
  );
}

interface RefusalDialogProps extends DialogProps {
  readonly refusal: Refusal;
  readonly label: string;
}

function RefusalDialog({ text, refusal, label, edit, onReveal, onClose }: RefusalDialogProps) {
  const { code, message, place, offers } = refusal;
  const places = offers.flatMap((offer) => offer.places ?? []);
  return (
    <Dialog title="Not possible like this" onClose={onClose}>
      <section>
        <p className="wrap">{message}</p>
        <p className="muted mono">
          {code} · line {lineOf(text, place.from)}
        </p>
        <div className="row">
          {offers.map((offer) => (
            <Button
              key={offer.label}
              look="primary"
              onPress={() => {
                onClose();
                edit(offer.operation, label);
              }}
            >
              {offer.label}
            </Button>
          ))}
          <Button
            onPress={() => {
              onClose();
              onReveal(place);
            }}
          >
            Show in text
          </Button>
          <Button onPress={onClose}>Close</Button>
        </div>
        {places.length > 0 && <Lines text={text} places={places} onReveal={onReveal} />}
      </section>
    </Dialog>
  );
}

interface LinesProps {
  readonly text: string;
  readonly places: readonly Range[];
  readonly onReveal: (range: Range) => void;
}

/** Places of the text as links. */
function Lines({ text, places, onReveal }: LinesProps) {
  return (
    <ul className="places">
      {places.map((place) => (
        <li key={place.from}>
          <Button look="plain" onPress={() => onReveal(place)}>
            Line {lineOf(text, place.from)}
          </Button>
        </li>
      ))}
    </ul>
  );
}
