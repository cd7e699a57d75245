import { defined } from "@stackyard/core";
import type { MachineGraph } from "@stackyard/sdk";
import { useMemo } from "react";
import { GraphTable } from "../graph/graph-table.tsx";
import type { Range } from "../machine/edits/operation.ts";
import { useParsed } from "../machine/use-parsed.ts";
import { toSafeText } from "../text/safe-text.ts";
import type { Side } from "./diff-panel.tsx";
import { type CanvasKey, GraphCanvas } from "./graph-canvas.tsx";
import { compareGraphs, compareStates, type GraphDiff } from "./graph-diff.ts";
import { Inspector } from "./inspector.tsx";
import type { Session } from "./session.ts";
import type { OpenDocument } from "./use-document.ts";
import type { EditorView } from "./use-view.ts";

/** A document with what is shown of it. */
export interface PaneProps {
  /** A text that the graph is compared with, and what it is called. */
  readonly base: Side;
  readonly session: Session;
  readonly document: OpenDocument;
  readonly view: EditorView;
  /** Shows a part of the text. */
  readonly onReveal: (range: Range) => void;
}

/** Renders the graph of the last valid text, and the selected state as a form. */
export function GraphPane(props: PaneProps) {
  const { session, document, view, base, onReveal } = props;
  const { machine } = document;
  const { selected, edit, setOpened } = view;
  const outline = machine.outline ?? machine.valid?.outline;
  const errors = (machine.problems ?? []).filter(({ severity }) => severity === "error").length;
  const hasGraph = machine.valid?.graph !== undefined;
  return (
    <>
      {hasGraph && (errors > 0 || view.tab === "diff") && (
        <p className="pane-note" role="status">
          {errors > 0 && `Last valid text, ${errors} ${errors === 1 ? "error" : "errors"}. `}
          {view.tab === "diff" && `Compared with "${toSafeText(base.title)}": + added, − removed, ~ changed`}
        </p>
      )}
      <Drawing {...props} dimmed={errors > 0} />
      {outline !== undefined && !session.readOnly && (
        <Inspector
          key={selected ?? ""}
          outline={outline}
          state={outline.states.find(({ name }) => name === selected)}
          executors={document.executors}
          edit={edit}
          onReveal={onReveal}
          onRename={(what, name) => setOpened({ kind: "rename", what, name })}
          onRemove={(what, name) => setOpened({ kind: "remove", what, name })}
        />
      )}
    </>
  );
}

/** Returns the graph with the differences from the base, while the tab Diff is open. */
function useDiff({ document: { machine }, view, base }: PaneProps): GraphDiff | undefined {
  const old = useParsed(view.tab === "diff" ? base.text : undefined);
  const { valid } = machine;
  return useMemo(() => {
    if (!old?.outline || !old.graph || !valid?.outline || !valid.graph) return undefined;
    const changes = compareStates(old.outline, valid.outline);
    return compareGraphs(old.graph as MachineGraph, valid.graph as MachineGraph, changes);
  }, [old, valid]);
}

function useChangeMarks(marks: EditorView["marks"], diff: GraphDiff | undefined): EditorView["marks"] {
  return useMemo(() => {
    const changed = [...(diff?.states ?? [])].map(([name, change]) => [name, { ...marks.get(name), change }] as const);
    return new Map([...marks, ...changed]);
  }, [marks, diff]);
}

function Drawing(props: PaneProps & { readonly dimmed: boolean }) {
  const { session, document, view, dimmed } = props;
  const diff = useDiff(props);
  const marks = useChangeMarks(view.marks, diff);
  const { machine, editor } = document;
  const { selected, setOpened } = view;
  const states = (machine.outline ?? machine.valid?.outline)?.states;
  const graph = diff?.graph ?? (machine.valid?.graph as MachineGraph | undefined);
  const select = (name: string | undefined) => {
    view.setSelected(name);
    const found = states?.find((each) => each.name === name);
    if (found !== undefined) editor?.reveal(found.key, false);
  };
  const selectEdge = ({ from, event }: MachineGraph["edges"][number]) => {
    select(from);
    const reaction = states?.find(({ name }) => name === from)?.reactions.find((each) => each.event === event);
    if (reaction !== undefined) editor?.reveal(reaction);
  };
  const onKey = (key: CanvasKey, state: string | undefined) => {
    if (key === "undo") editor?.undo();
    else if (key === "redo") editor?.redo();
    // In a diff a state may be one that is gone.
    else if (state === undefined || session.readOnly || !states?.some(({ name }) => name === state)) return;
    // The form of a state that was just selected is not there yet.
    else if (key === "edit") requestAnimationFrame(focusInspector);
    else if (key === "connect") setOpened({ kind: "connect", from: state });
    else setOpened({ kind: key, what: "state", name: state });
  };
  if (graph === undefined) {
    return <p className="notice muted">The graph is drawn as soon as the text is a valid machine.</p>;
  }
  if (view.asTable) {
    const label = `Graph of ${toSafeText(session.name)}`;
    return (
      <div style={{ overflow: "auto", flex: 1 }}>
        <GraphTable graph={graph} label={label} onSelect={select} {...defined({ selected })} />
      </div>
    );
  }
  return (
    <GraphCanvas
      graph={graph}
      direction={view.direction}
      dimmed={dimmed}
      selected={selected}
      marks={marks}
      changes={diff?.edges}
      tried={view.tab === "simulation" && view.played !== undefined ? new Set(view.played.tried) : undefined}
      moved={view.moved}
      onMove={view.move}
      onSelect={select}
      onSelectEdge={selectEdge}
      onConnect={session.readOnly ? undefined : (from, to) => setOpened({ kind: "connect", from, to })}
      onKey={onKey}
    />
  );
}

function focusInspector(): void {
  globalThis.document.querySelector<HTMLElement>(".inspector input, .inspector select")?.focus();
}
