import { defined } from "@stackyard/core";
import type { MachineGraph } from "@stackyard/sdk";
import { useMemo } from "react";
import { Button } from "../design/button.tsx";
import { IconButton } from "../design/icon-button.tsx";
import { FailureNotice, Skeleton } from "../design/page.tsx";
import { GraphTable } from "../graph/graph-table.tsx";
import type { Taken } from "../graph/taken.ts";
import type { MachineState } from "../machine/use-machine.ts";
import { useParsed } from "../machine/use-parsed.ts";
import { toSafeText } from "../text/safe-text.ts";
import type { Side } from "./diff-panel.tsx";
import { type CanvasKey, GraphCanvas } from "./graph-canvas.tsx";
import { compareGraphs, compareStates, type GraphDiff } from "./graph-diff.ts";
import { findPlaces, type Selection, stateOf } from "./selection.ts";
import type { Session } from "./session.ts";
import type { OpenDocument } from "./use-document.ts";
import type { EditorView } from "./use-view.ts";

/** What can happen next in a simulation, in the graph. */
export interface Stepping {
  /** The arrows that can be taken now, by index. */
  readonly possible: ReadonlySet<number>;
  /** The arrows that no step has taken, while they are shown. */
  readonly untried: ReadonlySet<number> | undefined;
  /** Takes an arrow. */
  readonly onEdge: (index: number) => void;
}

/** A document with what is shown of it. */
export interface PaneProps {
  /** What can happen next, while a simulation is shown. */
  readonly stepping?: Stepping | undefined;
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
      {hasGraph && (errors > 0 || (view.mode === "diff" && compared.note !== undefined)) && (
        <p className="pane-note" role="status">
          {errors > 0 && `Last valid text, ${errors} ${errors === 1 ? "error" : "errors"}. `}
          {view.mode === "diff" && compared.note}
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

/** Returns the graph with the differences from the base, while differences are shown and once the base is read. */
function useCompared({ document: { machine }, view, base }: PaneProps): Compared {
  const old = useParsed(view.mode === "diff" ? base.text : undefined);
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
function useTaken({ mode, played }: EditorView): Taken | undefined {
  return useMemo(() => {
    if (mode !== "simulation" || played === undefined || played.lines.length === 0) return undefined;
    return { edges: played.edges, states: new Map(Object.entries(played.states)) };
  }, [mode, played]);
}

/** Returns the selected arrows, or those of the selected state. */
function useChosen(graph: MachineGraph | undefined, selection: Selection | undefined) {
  return useMemo(() => {
    const state = stateOf(selection);
    if (state === undefined) return undefined;
    const event = selection?.kind === "arrow" ? selection.event : undefined;
    const isChosen = (edge: MachineGraph["edges"][number]) =>
      event === undefined ? edge.from === state || edge.to === state : edge.from === state && edge.event === event;
    return new Set(graph?.edges.flatMap((edge, index) => (isChosen(edge) ? [index] : [])));
  }, [graph, selection]);
}

function Tools({ session, view }: Pick<PaneProps, "session" | "view">) {
  const isDown = view.direction === "down";
  return (
    <>
      <IconButton
        icon="turn"
        label={isDown ? "Draw to the right" : "Draw downwards"}
        onPress={() => view.turn(isDown ? "right" : "down")}
      />
      {view.mode === "text" && (
        <Button
          look="plain"
          refusal={session.readOnly}
          onPress={() => view.setOpened({ kind: "add-state", after: view.selected })}
        >
          + State
        </Button>
      )}
    </>
  );
}

interface DrawingProps extends PaneProps {
  readonly dimmed: boolean;
  readonly diff: GraphDiff | undefined;
}

function Drawing({ session, document, view, dimmed, diff, stepping }: DrawingProps) {
  const marks = useChangeMarks(view.marks, diff);
  const { machine, editor } = document;
  const { selected, setOpened } = view;
  const taken = useTaken(view);
  const outline = machine.outline ?? machine.valid?.outline;
  const states = outline?.states;
  const graph = diff?.graph ?? (machine.valid?.graph as MachineGraph | undefined);
  const isFixed = session.readOnly !== undefined || stepping !== undefined;
  const chosen = useChosen(graph, view.selection);
  const show = (selection: Selection | undefined) => {
    view.select(selection);
    const [place] = outline === undefined ? [] : findPlaces(outline, selection);
    if (place !== undefined) editor?.reveal({ from: place.from, to: place.from }, false);
  };
  const select = (name: string | undefined) => show(name === undefined ? undefined : { kind: "state", state: name });
  const pressEdge = (index: number) => {
    const edge = graph?.edges[index];
    if (stepping !== undefined) stepping.onEdge(index);
    else if (edge?.event === undefined) select(edge?.from);
    else show({ kind: "arrow", state: edge.from, event: edge.event });
  };
  const onKey = (key: CanvasKey, state: string | undefined) => {
    if (key === "undo") editor?.undo();
    else if (key === "redo") editor?.redo();
    // In a diff a state may be one that is gone.
    else if (isFixed || state === undefined || !states?.some(({ name }) => name === state)) return;
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
      turned={view.turned}
      onDirection={view.setDirection}
      dimmed={dimmed}
      selected={selected}
      selectedTask={view.selection?.kind === "task" ? view.selection.task : undefined}
      chosen={stepping === undefined ? chosen : undefined}
      possible={stepping?.possible}
      untried={stepping?.untried}
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
      onSelectEdge={pressEdge}
      onSelectTask={(task) => show({ kind: "task", task })}
      onConnect={isFixed ? undefined : (from, to) => setOpened({ kind: "connect", from, to })}
      onKey={onKey}
      tools={<Tools session={session} view={view} />}
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
