import { defined } from "@stackyard/core";
import { type KeyboardEvent, useEffect, useId, useState } from "react";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { hasFailed, itemsOf, useLoad } from "../api/use-load.ts";
import { Dialog } from "../design/dialog.tsx";
import { isEnter } from "../design/keys.ts";
import { To, useGo } from "../design/links.tsx";
import { MissingNotice } from "../design/page.tsx";
import { Text } from "../design/text.tsx";
import { findActions, type PageAction } from "./page-actions.ts";

interface Place {
  readonly key: string;
  readonly title: string;
  readonly kind: "Screen" | "Stack";
  readonly path: string;
  readonly search?: Readonly<Record<string, string>>;
}

type Entry = Place | PageAction;

const MAX_STACKS = 20;

/**
 * Finds screens and the actions of the present one by their names, and stacks by a part of their ids. Enter waits for the
 * stacks of the text that is typed. A combobox with a list (WAI-ARIA Authoring Practices 1.2, "Combobox"): the focus stays
 * in the field, and screen readers hear the choice.
 */
export function Palette({ navigation, onClose }: PaletteProps) {
  const [text, setText] = useState("");
  const [chosenKey, setChosenKey] = useState<string>();
  const [isEntered, setEntered] = useState(false);
  // Those of the page behind it.
  const [actions] = useState(findActions);
  const sought = text.trim();
  const matches = ({ title }: { readonly title: string }) => title.toLowerCase().includes(sought.toLowerCase());
  const go = useGo();
  const listId = useId();
  const found = useLoad(
    keys.list("palette", { sought }),
    ({ signal }) => yard.stacks.list({ text: sought }, { limit: MAX_STACKS, signal }),
    { enabled: sought !== "" },
  );
  const isMore = found.data?.cursor !== undefined;
  const counted = useLoad(
    keys.list("palette-count", { sought }),
    ({ signal }) => yard.stacks.counts({ text: sought }, { signal }),
    { enabled: isMore },
  );
  const stacks = rank(
    itemsOf(found).map(({ id }) => id),
    sought,
  ).map((id): Place => ({ key: `stack ${id}`, title: id, kind: "Stack", path: "/stack", search: { id } }));
  const screens = navigation
    .map(([path, title]): Place => ({ key: path, title, kind: "Screen", path }))
    .filter(matches);
  const entries: readonly Entry[] = [...stacks, ...screens, ...actions.filter(matches)];
  const chosen = Math.max(
    0,
    entries.findIndex(({ key }) => key === chosenKey),
  );
  const open = (entry: Entry) => {
    onClose();
    if (entry.kind === "Action") entry.press();
    else go(entry.path, entry.search);
  };
  useEffect(() => {
    const entry = entries[chosen];
    if (!isEntered || found.isLoading) return;
    setEntered(false);
    if (entry !== undefined) open(entry);
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const move = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (move !== 0) {
      event.preventDefault();
      setChosenKey(entries[Math.max(0, Math.min(entries.length - 1, chosen + move))]?.key);
    }
    if (isEnter(event)) setEntered(true);
  };
  return (
    <Dialog title="Search" onClose={onClose}>
      <section>
        <input
          className="input"
          autoFocus
          role="combobox"
          aria-expanded={entries.length > 0}
          aria-controls={listId}
          aria-autocomplete="list"
          {...(entries.length > 0 && { "aria-activedescendant": `${listId}-${chosen}` })}
          aria-label="Screens, stacks and actions"
          placeholder="Screen, action or part of a stack's id"
          value={text}
          onKeyDown={onKeyDown}
          onChange={(event) => {
            setText(event.target.value);
            setChosenKey(undefined);
            setEntered(false);
          }}
        />
        <div className="palette-list" role="listbox" id={listId} aria-label="Results">
          {entries.map((entry, index) => (
            <Option
              key={entry.key}
              entry={entry}
              id={`${listId}-${index}`}
              isChosen={index === chosen}
              onAct={open}
              onClose={onClose}
            />
          ))}
        </div>
        <p className="muted" role="status">
          {found.data?.cursor !== undefined && describeMore(found.data.items.length, counted.data?.total)}
        </p>
        {hasFailed(found) ? (
          <MissingNotice query={found} />
        ) : (
          entries.length === 0 && !found.isLoading && <p className="muted">No match.</p>
        )}
      </section>
    </Dialog>
  );
}

/** Says that more stacks match than are listed; how many, once they are counted. */
function describeMore(listed: number, total: number | undefined): string {
  const part = total === undefined ? `The first ${listed} stacks are listed.` : `${listed} of ${total} stacks.`;
  return `${part} Type on to find the others.`;
}

/** One choice: a link or a button, which is scrolled into view. The focus stays in the field. */
function Option({ entry, id, isChosen, onAct, onClose }: OptionProps) {
  useEffect(() => {
    if (isChosen) document.getElementById(id)?.scrollIntoView({ block: "nearest" });
  }, [id, isChosen]);
  const option = { id, role: "option", "aria-selected": isChosen, tabIndex: -1 } as const;
  const content = (
    <>
      <span className="muted">{entry.kind} </span>
      <Text>{entry.title}</Text>
    </>
  );
  if (entry.kind === "Action") {
    return (
      <button type="button" {...option} onClick={() => onAct(entry)}>
        {content} {entry.refusal !== undefined && <span className="muted">{entry.refusal}</span>}
      </button>
    );
  }
  return (
    <To path={entry.path} {...defined({ search: entry.search })} attributes={{ ...option, onClick: onClose }}>
      {content}
    </To>
  );
}

interface OptionProps {
  readonly entry: Entry;
  readonly id: string;
  readonly isChosen: boolean;
  readonly onAct: (entry: Entry) => void;
  readonly onClose: () => void;
}

/** Puts the id that is the text before those that only contain it. */
function rank(ids: readonly string[], sought: string): readonly string[] {
  return ids.includes(sought) ? [sought, ...ids.filter((id) => id !== sought)] : ids;
}

interface PaletteProps {
  readonly navigation: readonly (readonly [string, string, ...unknown[]])[];
  readonly onClose: () => void;
}
