import { defined } from "@stackyard/core";
import type { MachineGraph } from "@stackyard/sdk";
import { useMemo } from "react";
import { FailureNotice, Skeleton } from "../design/page.tsx";
import { GraphTable } from "../graph/graph-table.tsx";
import type { Taken } from "../graph/taken.ts";
import type { MachineState } from "../machine/use-machine.ts";
import { useParsed } from "../machine/use-parsed.ts";
import { toSafeText } from "../text/safe-text.ts";
import type { Side } from "./diff-panel.tsx";
import { type CanvasKey, GraphCanvas } from "./graph-canvas.tsx";
import { compareGraphs, compareStates, type GraphDiff } from "./graph-diff.ts";
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
}

/** Renders the graph of the last valid text. */
export function GraphPane(props: PaneProps) {
  const { document, view } = props;
  const { machine } = document;
  const errors = (machine.problems ?? []).filter(({ severity }) => severity === "error").length;
  const hasGraph = machine.valid?.graph !== undefined;
  const compared = useCompared(props);
  return (
    <>
      {hasGraph && (errors > 0 || (view.tab === "diff" && compared.note !== undefined)) && (
        <p className="pane-note" role="status">
          {errors > 0 && `Last valid text, ${errors} ${errors === 1 ? "error" : "errors"}. `}
          {view.tab === "diff" && compared.note}
        </p>
      )}
      <Drawing {...props} dimmed={errors > 0} diff={compared.diff} />
    </>
  );
}

interface Compared {
  readonly diff?: GraphDiff;
  readonly note?: string;
}

/** Returns the graph with the differences from the base, while the tab Diff is open and once the base is read. */
function useCompared({ document: { machine }, view, base }: PaneProps): Compared {
  const old = useParsed(view.tab === "diff" ? base.text : undefined);
  const { valid } = machine;
  return useMemo(() => {
    if (old === undefined || !valid?.outline || !valid.graph) return {};
    const title = `"${toSafeText(base.title)}"`;
    if (!old.outline || !old.graph) return { note: `${title} has errors: the graph is not compared with it.` };
    const changes = compareStates(old.outline, valid.outline);
    const diff = compareGraphs(old.graph as MachineGraph, valid.graph as MachineGraph, changes);
    return { diff, note: `Compared with ${title}: + added, − removed, ~ changed` };
  }, [old, valid, base.title]);
}

function useChangeMarks(marks: EditorView["marks"], diff: GraphDiff | undefined): EditorView["marks"] {
  return useMemo(() => {
    const changed = [...(diff?.states ?? [])].map(([name, change]) => [name, { ...marks.get(name), change }] as const);
    return new Map([...marks, ...changed]);
  }, [marks, diff]);
}

/** Returns what the steps of a simulation took, while it is shown. */
function useTaken({ tab, played }: EditorView): Taken | undefined {
  return useMemo(() => {
    if (tab !== "simulation" || played === undefined || played.lines.length === 0) return undefined;
    return { edges: played.edges, states: new Map(Object.entries(played.states)) };
  }, [tab, played]);
}

interface DrawingProps extends PaneProps {
  readonly dimmed: boolean;
  readonly diff: GraphDiff | undefined;
}

function Drawing({ session, document, view, dimmed, diff }: DrawingProps) {
  const marks = useChangeMarks(view.marks, diff);
  const { machine, editor } = document;
  const { selected, setOpened } = view;
  const taken = useTaken(view);
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
  if (graph === undefined) return <NoGraph machine={machine} text={document.text} />;
  const label = `Graph of ${toSafeText(session.name)}`;
  const table = (
    <div style={{ overflow: "auto", flex: 1 }}>
      <GraphTable graph={graph} label={label} onSelect={select} {...defined({ selected, taken })} />
    </div>
  );
  if (view.asTable) return table;
  return (
    <GraphCanvas
      graph={graph}
      direction={view.direction}
      dimmed={dimmed}
      selected={selected}
      marks={marks}
      changes={diff?.edges}
      taken={taken}
      fallback={
        <>
          <p className="notice">The graph cannot be drawn. The table has the same content.</p>
          {table}
        </>
      }
      moved={view.moved}
      onMove={view.move}
      onSelect={select}
      onSelectEdge={selectEdge}
      onConnect={session.readOnly ? undefined : (from, to) => setOpened({ kind: "connect", from, to })}
      onKey={onKey}
    />
  );
}

/** Renders why there is no graph: it is not known yet, could not be made, or the text has errors. */
function NoGraph({ machine: { failure, text: parsed, retry }, text }: { machine: MachineState; text: string }) {
  if (failure !== undefined) return <FailureNotice error={failure} onRetry={retry} />;
  if (parsed !== text) return <Skeleton height={240} />;
  return <p className="notice muted">The graph is drawn as soon as the text is a valid machine.</p>;
}

function focusInspector(): void {
  globalThis.document.querySelector<HTMLElement>(".inspector input, .inspector select")?.focus();
}
