import { yaml } from "@codemirror/lang-yaml";
import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { type ReactNode, useEffect, useMemo, useRef } from "react";
import { Text } from "../design/text.tsx";
import { useParsed } from "../machine/use-parsed.ts";
import { CHANGE_WORDS, compareStates } from "./graph-diff.ts";
import { isPhone } from "./phone.ts";
import { allowStyles, editorTheme } from "./text-editor.ts";
import "./diff-panel.css";

/** A text and what it is called. */
export interface Side {
  readonly title: string;
  readonly text: string;
}

/** The sides of a comparison, for additional tools in the tab Diff. */
export interface Comparing {
  readonly base: Side;
  /** Compares with another text; undefined: with the first one again. */
  readonly onBase: (base: Side | undefined) => void;
  /** The present text, when it has no errors. */
  readonly valid: string | undefined;
}

const COLLAPSED = { margin: 3, minSize: 6 };

/** Two texts that are compared. */
export interface DiffPanelProps {
  readonly before: Side;
  readonly after: Side;
  readonly tools?: ReactNode;
}

/** Renders two texts of a machine side by side, and the different states. */
export function DiffPanel({ before, after, tools }: DiffPanelProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (place.current === null) return;
    const extensions = [
      allowStyles(),
      editorTheme,
      EditorState.readOnly.of(true),
      EditorView.editable.of(false),
      lineNumbers(),
      yaml(),
      EditorView.lineWrapping,
    ];
    const named = (name: string) => [
      extensions,
      EditorView.contentAttributes.of({ "aria-label": name, "aria-readonly": "true", tabindex: "0" }),
    ];
    const parent = place.current;
    const view = isPhone()
      ? new EditorView({
          doc: after.text,
          extensions: [
            named(after.title),
            unifiedMergeView({ original: before.text, mergeControls: false, collapseUnchanged: COLLAPSED }),
          ],
          parent,
        })
      : new MergeView({
          a: { doc: before.text, extensions: named(before.title) },
          b: { doc: after.text, extensions: named(after.title) },
          parent,
          collapseUnchanged: COLLAPSED,
        });
    return () => view.destroy();
  }, [before.title, before.text, after.title, after.text]);
  return (
    <div className="panel-body stack-v diff">
      {tools}
      <div className="diff-titles">
        <h3>{before.title}</h3>
        <h3>{after.title}</h3>
      </div>
      {before.text === after.text && <p className="muted">No differences.</p>}
      <StateChanges before={before.text} after={after.text} />
      <div className="merge" ref={place} />
    </div>
  );
}

function StateChanges({ before, after }: { before: string; after: string }) {
  const old = useParsed(before)?.outline;
  const now = useParsed(after)?.outline;
  const changes = useMemo(() => (old && now ? compareStates(old, now) : []), [old, now]);
  if (changes.length === 0) return null;
  return (
    <ul className="row" aria-label="States that differ" style={{ listStyle: "none" }}>
      {changes.map(({ name, change, before: old }) => (
        <li key={name}>
          <b>{change}</b> <Text>{name}</Text>{" "}
          <span className="muted">{old === undefined ? CHANGE_WORDS[change] : `was ${old}`}</span>
        </li>
      ))}
    </ul>
  );
}
