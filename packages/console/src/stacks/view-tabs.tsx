import { keepStart } from "@stackyard/core";
import { useState } from "react";
import { useMe } from "../api/access.ts";
import { Button } from "../design/button.tsx";
import { Dialog, DialogButtons } from "../design/dialog.tsx";
import { Form, TextField } from "../design/fields.tsx";
import { To, useGo, useSearch } from "../design/links.tsx";
import { useToast } from "../design/toasts.tsx";
import { toSafeText } from "../text/safe-text.ts";
import { isSameView, removeView, type SavedView, saveView, toViewSearch, useSavedViews } from "./saved-views.ts";

/**
 * Renders the views that the person has saved, and the one that the address names. A view is its address: another person who
 * opens it sees the same, under the same name, and can save it too.
 */
export function ViewTabs() {
  const search = useSearch();
  const person = usePerson();
  const views = useSavedViews(person);
  const [isOpen, setOpen] = useState(false);
  const named = search["saved"];
  const own = views.find(({ name }) => name === named);
  const isChanged = own !== undefined && !isSameView(own.search, search);
  const isPlain = Object.keys(toViewSearch(search)).length === 0;
  return (
    <div className="stacks-tabs">
      <nav className="tabs" aria-label="Saved views">
        <To path="/stacks" current={named === undefined && isPlain}>
          All stacks
        </To>
        <To path="/jobs">Jobs</To>
        {views.map(({ name, search: view }) => (
          <To key={name} path="/stacks" search={{ ...view, saved: name }} current={name === named}>
            {toSafeText(name)}
            {name === named && isChanged && <span className="muted">changed</span>}
          </To>
        ))}
        {named !== undefined && own === undefined && (
          <To path="/stacks" search={search} current>
            {toSafeText(named)}
            <span className="muted">not saved</span>
          </To>
        )}
      </nav>
      <Button look="plain" onPress={() => setOpen(true)}>
        {own === undefined ? "Save this view…" : "Change this view…"}
      </Button>
      {isOpen && <ViewDialog person={person} own={own} onClose={() => setOpen(false)} />}
    </div>
  );
}

/** Returns the name under which the browser keeps what belongs to the person. */
function usePerson(): string {
  const { data } = useMe();
  return data === undefined ? "" : `${data.kind} ${data.id}`;
}

interface ViewDialogProps {
  readonly person: string;
  /** The saved view that is shown. */
  readonly own: SavedView | undefined;
  readonly onClose: () => void;
}

const MOST_CHARACTERS = 60;

function ViewDialog({ person, own, onClose }: ViewDialogProps) {
  const search = useSearch();
  const go = useGo();
  const toast = useToast();
  const [name, setName] = useState(search["saved"] ?? "");
  const given = keepStart(name.trim(), MOST_CHARACTERS);
  const save = () => {
    const view = toViewSearch(search);
    const isSaved = saveView(person, { name: given, search: view }, own?.name);
    if (!isSaved) return toast("You have 20 views. Delete one first.");
    onClose();
    go("/stacks", { ...view, saved: given });
  };
  const remove = () => {
    if (own === undefined) return;
    removeView(person, own.name);
    onClose();
    go("/stacks", toViewSearch(search));
  };
  return (
    <Dialog title={own === undefined ? "Save this view" : `View ${own.name}`} onClose={onClose}>
      <Form onSubmit={save}>
        <p>
          Filters, order, columns, groups and tiles, as they are now. The view is kept in this browser; its address
          shows it to everyone.
        </p>
        <TextField title="Name" value={name} autoFocus maxLength={MOST_CHARACTERS} onChange={setName} />
        {own !== undefined && (
          <div className="row">
            <Button look="danger" onPress={remove}>
              Delete this view
            </Button>
          </div>
        )}
        <DialogButtons verb="Save" refusal={given === "" ? "Enter a name first" : undefined} onClose={onClose} />
      </Form>
    </Dialog>
  );
}
