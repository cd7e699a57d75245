import { yaml } from "@codemirror/lang-yaml";
import { MergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { useEffect, useRef, useState } from "react";
import { Text } from "../design/text.tsx";
import { machineClient } from "../machine/machine-client.ts";
import type { ParsedMachine } from "../machine/messages.ts";
import { compareStates, type StateChange } from "./graph-diff.ts";
import { allowStyles } from "./text-editor.ts";

/** A text and what it is called. */
export interface Side {
  readonly title: string;
  readonly text: string;
}

/** Two texts of a machine side by side, and the states that differ. */
export function DiffPanel({ before, after }: { before: Side; after: Side }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (place.current === null) return;
    const extensions = [
      allowStyles(),
      EditorState.readOnly.of(true),
      EditorView.editable.of(false),
      lineNumbers(),
      yaml(),
      EditorView.lineWrapping,
    ];
    const view = new MergeView({
      a: { doc: before.text, extensions },
      b: { doc: after.text, extensions },
      parent: place.current,
      collapseUnchanged: { margin: 3, minSize: 6 },
    });
    return () => view.destroy();
  }, [before.text, after.text]);
  return (
    <div className="panel-body stack-v">
      <div className="row spread">
        <h3>{before.title}</h3>
        <h3>{after.title}</h3>
      </div>
      {before.text === after.text && <p className="muted">No differences.</p>}
      <StateChanges before={before.text} after={after.text} />
      <div className="merge" ref={place} />
    </div>
  );
}

const WORDS = { "+": "added", "−": "removed", "~": "changed" } as const;

function StateChanges({ before, after }: { before: string; after: string }) {
  const [changes, setChanges] = useState<readonly StateChange[]>([]);
  useEffect(() => {
    let over = false;
    const parse = (text: string): Promise<ParsedMachine> => machineClient.run("parse", { name: "machine", text });
    Promise.all([parse(before), parse(after)]).then(
      ([old, now]) => {
        if (!over) setChanges(old.outline && now.outline ? compareStates(old.outline, now.outline) : []);
      },
      () => {
        if (!over) setChanges([]);
      },
    );
    return () => {
      over = true;
    };
  }, [before, after]);
  if (changes.length === 0) return null;
  return (
    <ul className="row" aria-label="States that differ" style={{ listStyle: "none" }}>
      {changes.map(({ name, change, before: old }) => (
        <li key={name}>
          <b>{change}</b> <Text>{name}</Text>{" "}
          <span className="muted">{old === undefined ? WORDS[change] : `was ${old}`}</span>
        </li>
      ))}
    </ul>
  );
}
