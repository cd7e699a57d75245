import type { Direction, GraphLayout, Point } from "@stackyard/core/drawing";
import type { MachineGraph } from "@stackyard/sdk";
import {
  type Connection,
  ControlButton,
  Controls,
  type NodeChange,
  type NodeHandle,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
  type Viewport,
} from "@xyflow/react";
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { Skeleton } from "../design/page.tsx";
import { SMALLEST } from "../graph/graph-drawing.tsx";
import type { Taken } from "../graph/taken.ts";
import { useLayout } from "../graph/use-layout.ts";
import { toSafeText } from "../text/safe-text.ts";
import {
  EDGE_TYPES,
  NODE_TYPES,
  type NodeMark,
  type ReactionEdge,
  type StateNode,
  type StubNode,
} from "./canvas-parts.tsx";
import type { ChangeMark } from "./graph-diff.ts";
import { findNeighbor } from "./neighbors.ts";
import "@xyflow/react/dist/base.css";
import "../graph/graph.css";

/** The command of a key. */
export type CanvasKey = "edit" | "rename" | "connect" | "remove" | "undo" | "redo";

interface CanvasProps {
  readonly graph: MachineGraph;
  readonly direction: Direction;
  /** The text has errors: this is the last valid one. */
  readonly dimmed: boolean;
  readonly selected: string | undefined;
  readonly marks: ReadonlyMap<string, NodeMark>;
  /** The marks of arrows that differ from another graph, by index. */
  readonly changes?: ReadonlyMap<number, ChangeMark> | undefined;
  /** The arrows that a scenario has taken; undefined without a scenario. */
  readonly taken?: Taken | undefined;
  /** Shown in place of a graph that cannot be laid out. */
  readonly fallback?: ReactNode;
  readonly moved: ReadonlyMap<string, Point>;
  readonly onMove: (moved: ReadonlyMap<string, Point>) => void;
  readonly onSelect: (state: string | undefined) => void;
  readonly onSelectEdge: (edge: MachineGraph["edges"][number]) => void;
  readonly onConnect?: ((from: string, to: string) => void) | undefined;
  /** Called for `Enter`, `F2`, `c`, `Delete` and undo on the focused state, else the selected one. */
  readonly onKey: (key: CanvasKey, state: string | undefined) => void;
}

/** Renders the graph of a machine, in which states are selected, moved and connected. */
export function GraphCanvas(props: CanvasProps) {
  return (
    <ReactFlowProvider>
      <Canvas {...props} />
    </ReactFlowProvider>
  );
}

type Placement = Pick<CanvasProps, "direction" | "selected" | "marks" | "taken" | "changes"> & {
  readonly graph: MachineGraph;
  readonly layout: GraphLayout | undefined;
  /** The places of states that were moved. */
  readonly places: ReadonlyMap<string, Point>;
};

function useNodes({ graph, layout, places, selected, marks, taken, direction }: Placement): StateNode[] {
  return useMemo(
    () =>
      (layout?.nodes ?? []).flatMap(({ id, x, y, width, height }, index) => {
        const node = graph.nodes[index];
        if (node === undefined) return [];
        const isState = node.kind === "state";
        return [
          {
            id,
            type: isState ? "state" : "marker",
            position: places.get(id) ?? { x: x - width / 2, y: y - height / 2 },
            width,
            height,
            measured: { width, height },
            handles: toHandles({ width, height }, direction),
            selectable: isState,
            focusable: isState,
            connectable: isState,
            deletable: false,
            selected: id === selected,
            ariaLabel: isState ? `State ${toSafeText(id)}` : node.kind,
            data: { node, mark: marks.get(id), taken, down: direction === "down" },
          },
        ];
      }),
    [graph, layout, places, selected, marks, taken, direction],
  );
}

const HANDLE_SIZE = 9;

/**
 * Returns where arrows begin and end. Without them, states that change while they are measured would lose their arrows:
 * the measurement is lost, and not repeated.
 */
function toHandles({ width, height }: { width: number; height: number }, direction: Direction): NodeHandle[] {
  const down = direction === "down";
  const [x, y] = [down ? width / 2 : 0, down ? 0 : height / 2];
  const at = { width: HANDLE_SIZE, height: HANDLE_SIZE };
  const half = HANDLE_SIZE / 2;
  return [
    { ...at, type: "target", position: down ? Position.Top : Position.Left, x: x - half, y: y - half },
    {
      ...at,
      type: "source",
      position: down ? Position.Bottom : Position.Right,
      x: (down ? x : width) - half,
      y: (down ? height : y) - half,
    },
  ];
}

function useStubs({ graph, layout, places, taken, direction }: Placement): StubNode[] {
  return useMemo(
    () =>
      (layout?.stubs ?? []).map((stub) => {
        const { id, x, y, width, height } = stub;
        return {
          id,
          type: "stub",
          position: places.get(id) ?? { x: x - width / 2, y: y - height / 2 },
          width,
          height,
          measured: { width, height },
          handles: toHandles({ width, height }, direction),
          selectable: false,
          focusable: false,
          connectable: false,
          deletable: false,
          ariaLabel: toSafeText(stub.text),
          data: { stub, graph, taken, down: direction === "down" },
        };
      }),
    [graph, layout, places, taken, direction],
  );
}

function useEdges({ graph, layout, places, taken, changes }: Placement): ReactionEdge[] {
  return useMemo(
    () =>
      (layout?.lines ?? []).map((line) => ({
        id: JSON.stringify([line.from, line.to]),
        source: line.from,
        target: line.to,
        type: "reaction",
        focusable: false,
        deletable: false,
        data: {
          graph,
          line,
          edges: layout?.stubs.find(({ id }) => id === line.from)?.edges ?? line.edges,
          isMoved: places.has(line.from) || places.has(line.to),
          taken,
          changes,
        },
      })),
    [graph, layout, places, taken, changes],
  );
}

// The buttons are on the left.
const FIT = { maxZoom: 1, padding: { top: "16px", right: "16px", bottom: "16px", left: "56px" } } as const;

/**
 * Keeps the graph in view when it or its place changes, until the user chooses what is in view. Its texts stay readable:
 * of a graph that is too large for that, the part around a state is shown.
 */
function useFitting(layout: GraphLayout | undefined, around: string | undefined) {
  const flow = useReactFlow();
  const isOn = useRef(true);
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  useEffect(() => {
    if (!isOn.current || layout === undefined || width === 0 || height === 0) return;
    void flow.setViewport(toViewport(layout, { width, height }, around));
  }, [flow, layout, width, height, around]);
  const start = () => {
    isOn.current = true;
  };
  const stop = () => {
    isOn.current = false;
  };
  return { start, stop };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Around the graph, in pixels. The buttons are on the left. */
const ROOM = { start: 56, end: 16 } as const;

/** Returns the zoom and the place of a graph in a pane. */
function toViewport({ nodes, width, height }: GraphLayout, pane: Size, around: string | undefined): Viewport {
  const room = { width: pane.width - ROOM.start - ROOM.end, height: pane.height - 2 * ROOM.end };
  const zoom = Math.max(SMALLEST, Math.min(1, room.width / width, room.height / height));
  const at = nodes.find(({ id }) => id === around) ?? nodes[0];
  const along = (length: number, space: number, start: number, point: number) => {
    const rest = space - length * zoom;
    if (rest >= 0) return start + rest / 2;
    return Math.min(start, Math.max(start + rest, start + space / 2 - point * zoom));
  };
  return {
    x: along(width, room.width, ROOM.start, at?.x ?? 0),
    y: along(height, room.height, ROOM.end, at?.y ?? 0),
    zoom,
  };
}

function Canvas(props: CanvasProps) {
  const { graph: newest, direction, dimmed, selected, marks, taken, changes, moved, fallback, ...on } = props;
  const [opened, setOpened] = useState<readonly string[]>([]);
  // An event that is drawn once does not show which of its arrows differ.
  const unfolded = changes === undefined ? opened : "all";
  const state = useLayout(newest, { direction, notes: taken !== undefined, unfolded });
  const [dragged, setDragged] = useState(moved);
  const places = useMemo(() => new Map([...moved, ...dragged]), [moved, dragged]);
  const isReady = state.kind === "ready";
  // While a changed graph is laid out, the earlier one stays with its layout.
  const placement: Placement = {
    graph: isReady ? state.graph : newest,
    layout: isReady ? state.layout : undefined,
    places,
    direction,
    selected,
    marks,
    taken,
    changes,
  };
  const nodes = useNodes(placement);
  const stubs = useStubs(placement);
  const edges = useEdges(placement);
  const current = [...marks].find(([, mark]) => mark.current)?.[0];
  const fitting = useFitting(placement.layout, current ?? "INIT");
  // Positions that were reset count no more.
  useEffect(() => setDragged(moved), [moved]);
  const onNodesChange = (changes: NodeChange<StateNode | StubNode>[]) => {
    for (const change of changes) {
      if (change.type !== "position" || change.position === undefined) continue;
      const next = new Map([...places, [change.id, change.position]]);
      setDragged(next);
      if (change.dragging === false) on.onMove(next);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const action = toAction(event);
    if (action === undefined) return;
    event.preventDefault();
    const states = nodes.filter(({ type }) => type === "state").map(toBox);
    const at = findFocused(event)?.dataset["id"] ?? selected;
    const next = "move" in action ? findNeighbor(states, at, action.move) : at;
    if (next !== undefined && next !== selected) on.onSelect(next);
    if ("key" in action) on.onKey(action.key, at);
    else if (next !== undefined) findState(event.currentTarget, next)?.focus();
  };
  if (state.kind === "pending") return <Skeleton height={240} />;
  if (state.kind === "failed") return fallback;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the focused node inside
    <div className={dimmed ? "canvas dimmed" : "canvas"} onKeyDown={onKeyDown}>
      <ReactFlow
        nodes={[...nodes, ...stubs]}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        onNodesChange={onNodesChange}
        onNodeClick={(_, { id, type }) => {
          if (type === "stub") setOpened([...opened, id]);
          else on.onSelect(type === "state" ? id : undefined);
        }}
        onNodeDoubleClick={(_, { id, type }) => type === "state" && on.onKey("edit", id)}
        onEdgeClick={(_, { data }) => {
          const edge = data?.graph.edges[data.line.edges[0] ?? -1];
          if (edge !== undefined) on.onSelectEdge(edge);
        }}
        onMoveStart={(event) => event && fitting.stop()}
        onPaneClick={() => on.onSelect(undefined)}
        onConnect={({ source, target }: Connection) => on.onConnect?.(source, target)}
        nodesConnectable={on.onConnect !== undefined}
        disableKeyboardA11y
        minZoom={0.1}
        maxZoom={4}
        deleteKeyCode={null}
        zoomOnDoubleClick={false}
        proOptions={{ hideAttribution: true }}
      >
        <Controls
          showInteractive={false}
          onZoomIn={fitting.stop}
          onZoomOut={fitting.stop}
          onFitView={fitting.start}
          fitViewOptions={FIT}
        >
          {opened.length > 0 && (
            <ControlButton title="Draw events that many states share once" onClick={() => setOpened([])}>
              1×
            </ControlButton>
          )}
        </Controls>
      </ReactFlow>
    </div>
  );
}

function toBox({ id, position, width = 0, height = 0 }: StateNode) {
  return { id, x: position.x + width / 2, y: position.y + height / 2 };
}

const MOVES: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const KEYS = { Enter: "edit", F2: "rename", c: "connect", Delete: "remove", Backspace: "remove" } as const;

type Action = { readonly move: readonly [number, number] } | { readonly key: CanvasKey };

function findState(canvas: Element, name: string): HTMLElement | null {
  return canvas.querySelector(`.react-flow__node[data-id="${CSS.escape(name)}"]`);
}

function findFocused({ target }: KeyboardEvent): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>(".react-flow__node") : null;
}

function toAction({ key, ctrlKey, metaKey, shiftKey, altKey }: KeyboardEvent): Action | undefined {
  if (altKey) return undefined;
  if (ctrlKey || metaKey) {
    if (key.toLowerCase() === "y") return { key: "redo" };
    return key.toLowerCase() === "z" ? { key: shiftKey ? "redo" : "undo" } : undefined;
  }
  const move = MOVES[key];
  if (move !== undefined) return { move };
  return key in KEYS ? { key: KEYS[key as keyof typeof KEYS] } : undefined;
}
