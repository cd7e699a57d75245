import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useDeferredValue, useState } from "react";
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

/** Finds screens by their names and stacks by a part of their ids. */
export function Palette({ navigation, onClose }: PaletteProps) {
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const sought = useDeferredValue(text.trim());
  const go = useGo();
  const { data } = useQuery({
    queryKey: keys.list("palette", { sought }),
    queryFn: ({ signal }) => yard.stacks.list({ text: sought }, { limit: MAX_STACKS, signal }),
    enabled: sought !== "",
  });
  const screens = navigation
    .filter(([, title]) => title.toLowerCase().includes(text.trim().toLowerCase()))
    .map(([path, title]): Entry => ({ key: path, title, kind: "Screen", path }));
  const stacks = (sought === "" ? [] : (data?.items ?? [])).map(
    ({ id }): Entry => ({ key: `stack ${id}`, title: id, kind: "Stack", path: "/stack", search: { id } }),
  );
  const entries = [...stacks, ...screens];
  const onKeyDown = (event: KeyboardEvent) => {
    const move = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (move !== 0) {
      event.preventDefault();
      setChosen((index) => Math.max(0, Math.min(entries.length - 1, index + move)));
    }
    const entry = entries[chosen];
    if (event.key === "Enter" && entry !== undefined) {
      onClose();
      go(entry.path, entry.search);
    }
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
            setChosen(0);
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
        {entries.length === 0 && <p className="muted">No match.</p>}
      </section>
    </Dialog>
  );
}

interface PaletteProps {
  readonly navigation: readonly (readonly [string, string, ...unknown[]])[];
  readonly onClose: () => void;
}
