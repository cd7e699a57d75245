import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useEffect, useState } from "react";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { Dialog } from "../design/dialog.tsx";
import { To, useGo } from "../design/links.tsx";
import { Text } from "../design/text.tsx";

interface Entry {
  readonly key: string;
  readonly title: string;
  readonly kind: "Screen" | "Stack";
  readonly path: string;
  readonly search?: Readonly<Record<string, string>>;
}

const MAX_STACKS = 20;

/** Finds screens by their names and stacks by a part of their ids. Enter waits for the stacks of the text that is typed. */
export function Palette({ navigation, onClose }: PaletteProps) {
  const [text, setText] = useState("");
  const [chosenKey, setChosenKey] = useState<string>();
  const [isEntered, setEntered] = useState(false);
  const sought = text.trim();
  const go = useGo();
  const { data, isLoading } = useQuery({
    queryKey: keys.list("palette", { sought }),
    queryFn: ({ signal }) => yard.stacks.list({ text: sought }, { limit: MAX_STACKS, signal }),
    enabled: sought !== "",
  });
  const stacks = rank(
    (data?.items ?? []).map(({ id }) => id),
    sought,
  ).map((id): Entry => ({ key: `stack ${id}`, title: id, kind: "Stack", path: "/stack", search: { id } }));
  const screens = navigation
    .filter(([, title]) => title.toLowerCase().includes(sought.toLowerCase()))
    .map(([path, title]): Entry => ({ key: path, title, kind: "Screen", path }));
  const entries = [...stacks, ...screens];
  const chosen = Math.max(
    0,
    entries.findIndex(({ key }) => key === chosenKey),
  );
  const open = ({ path, search }: Entry) => {
    onClose();
    go(path, search);
  };
  useEffect(() => {
    const entry = entries[chosen];
    if (!isEntered || isLoading) return;
    setEntered(false);
    if (entry !== undefined) open(entry);
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const move = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (move !== 0) {
      event.preventDefault();
      setChosenKey(entries[Math.max(0, Math.min(entries.length - 1, chosen + move))]?.key);
    }
    if (event.key === "Enter") setEntered(true);
  };
  return (
    <Dialog title="Search" onClose={onClose}>
      <section>
        <input
          className="input"
          autoFocus
          aria-label="Screens and stacks"
          placeholder="Screen or part of a stack's id"
          value={text}
          onKeyDown={onKeyDown}
          onChange={(event) => {
            setText(event.target.value);
            setChosenKey(undefined);
            setEntered(false);
          }}
        />
        <ul className="palette-list">
          {entries.map(({ key, title, kind, path, search }, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: a link inside is pressed
            <li key={key} onClick={onClose}>
              <To path={path} {...(search && { search })} {...(index === chosen && { className: "chosen" })}>
                <span className="muted">{kind} </span>
                <Text>{title}</Text>
              </To>
            </li>
          ))}
        </ul>
        {entries.length === 0 && !isLoading && <p className="muted">No match.</p>}
      </section>
    </Dialog>
  );
}

/** Puts the id that is the text before those that only contain it. */
function rank(ids: readonly string[], sought: string): readonly string[] {
  return ids.includes(sought) ? [sought, ...ids.filter((id) => id !== sought)] : ids;
}

interface PaletteProps {
  readonly navigation: readonly (readonly [string, string, ...unknown[]])[];
  readonly onClose: () => void;
}
