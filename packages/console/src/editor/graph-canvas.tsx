import { defined } from "@stackyard/core";
import type { MachineGraph } from "@stackyard/sdk";
import {
  Background,
  BaseEdge,
  type Connection,
  Controls,
  type Edge,
  EdgeLabelRenderer,
  type EdgeProps,
  Handle,
  MarkerType,
  type Node,
  type NodeChange,
  type NodeHandle,
  type NodeProps,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
} from "@xyflow/react";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { cut, toPath } from "../graph/graph-drawing.tsx";
import { type Direction, type GraphLayout, type PlacedEdge, type Point, toLabel } from "../graph/layout.ts";
import { useLayout } from "../graph/use-layout.ts";
import { toSafeText } from "../text/safe-text.ts";
import { CHANGE_WORDS, type ChangeMark } from "./graph-diff.ts";
import { findNeighbor } from "./neighbors.ts";
import "@xyflow/react/dist/base.css";

/** The marks at a state besides its name and tasks. */
export interface NodeMark {
  readonly problems?: { readonly count: number; readonly hasError: boolean };
  readonly current?: boolean;
  readonly change?: ChangeMark | undefined;
}

/** The command of a key. */
export type CanvasKey = "edit" | "rename" | "connect" | "remove" | "undo" | "redo";

interface CanvasProps {
  readonly graph: MachineGraph;
  readonly direction: Direction;
  /** The text has errors: this is the last valid one. */
  readonly dimmed: boolean;
  readonly selected: string | undefined;
  readonly marks: ReadonlyMap<string, NodeMark>;
  /** Of arrows that differ from another graph, by index. */
  readonly changes?: ReadonlyMap<number, ChangeMark> | undefined;
  /** Arrows that a scenario has taken, by index; undefined without a scenario. */
  readonly tried?: ReadonlySet<number> | undefined;
  readonly moved: ReadonlyMap<string, Point>;
  readonly onMove: (moved: ReadonlyMap<string, Point>) => void;
  readonly onSelect: (state: string | undefined) => void;
  readonly onSelectEdge: (edge: MachineGraph["edges"][number]) => void;
  readonly onConnect?: ((from: string, to: string) => void) | undefined;
  /** Called for `Enter`, `F2`, `c`, `Delete` and undo on the focused state, else the selected one. */
  readonly onKey: (key: CanvasKey, state: string | undefined) => void;
}

type StateNode = Node<{
  readonly node: MachineGraph["nodes"][number];
  readonly mark: NodeMark | undefined;
  readonly down: boolean;
}>;
type ReactionEdge = Edge<{
  readonly edge: MachineGraph["edges"][number];
  readonly placed: PlacedEdge | undefined;
  readonly untried: boolean;
  readonly change: ChangeMark | undefined;
}>;

/** Renders the graph of a machine, in which states are selected, moved and connected. */
export function GraphCanvas(props: CanvasProps) {
  return (
    <ReactFlowProvider>
      <Canvas {...props} />
    </ReactFlowProvider>
  );
}

type Placement = Pick<CanvasProps, "direction" | "selected" | "marks" | "tried" | "changes"> & {
  readonly graph: MachineGraph;
  readonly layout: GraphLayout | undefined;
  /** Of states that were moved. */
  readonly places: ReadonlyMap<string, Point>;
};

function useNodes({ graph, layout, places, selected, marks, direction }: Placement): StateNode[] {
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
            data: { node, mark: marks.get(id), down: direction === "down" },
          },
        ];
      }),
    [graph, layout, places, selected, marks, direction],
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

function useEdges({ graph, layout, places, tried, changes }: Placement): ReactionEdge[] {
  return useMemo(
    () =>
      graph.edges.map((edge, index) => ({
        id: String(index),
        source: edge.from,
        target: edge.to,
        type: "reaction",
        focusable: false,
        deletable: false,
        markerEnd: { type: MarkerType.ArrowClosed, color: "var(--control)" },
        data: {
          edge,
          placed: places.has(edge.from) || places.has(edge.to) ? undefined : layout?.edges[index],
          untried: tried !== undefined && edge.event !== undefined && !tried.has(index),
          change: changes?.get(index),
        },
      })),
    [graph, layout, places, tried, changes],
  );
}

// The buttons are on the left.
const FIT = { maxZoom: 1, padding: { top: "16px", right: "16px", bottom: "16px", left: "56px" } } as const;

/** Keeps all of the graph in view when it or its place changes, until the user chooses what is in view. */
function useFitting(layout: GraphLayout | undefined) {
  const flow = useReactFlow();
  const isOn = useRef(true);
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  useEffect(() => {
    if (isOn.current && layout !== undefined && width > 0 && height > 0) void flow.fitView(FIT);
  }, [flow, layout, width, height]);
  const start = () => {
    isOn.current = true;
  };
  const stop = () => {
    isOn.current = false;
  };
  return { start, stop };
}

function Canvas(props: CanvasProps) {
  const { graph: newest, direction, dimmed, selected, marks, tried, changes, moved, ...on } = props;
  const state = useLayout(newest, { direction });
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
    tried,
    changes,
  };
  const nodes = useNodes(placement);
  const edges = useEdges(placement);
  const fitting = useFitting(placement.layout);
  // Positions that were reset count no more.
  useEffect(() => setDragged(moved), [moved]);
  const onNodesChange = (changes: NodeChange<StateNode>[]) => {
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
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the focused node inside
    <div className={dimmed ? "canvas dimmed" : "canvas"} onKeyDown={onKeyDown}>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        onNodesChange={onNodesChange}
        onNodeClick={(_, { id, type }) => on.onSelect(type === "state" ? id : undefined)}
        onNodeDoubleClick={(_, { id }) => on.onKey("edit", id)}
        onEdgeClick={(_, { data }) => data && on.onSelectEdge(data.edge)}
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
        <Background />
        <Controls
          showInteractive={false}
          onZoomIn={fitting.stop}
          onZoomOut={fitting.stop}
          onFitView={fitting.start}
          fitViewOptions={FIT}
        />
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

function StateView({ data: { node, mark, down }, selected }: NodeProps<StateNode>) {
  const tasks = node.tasks ?? [];
  const classes = [
    "state-node",
    selected && "selected",
    mark?.current && "current",
    node.terminal && "terminal",
    node.reachable === false && "unreachable",
    mark?.change && `change-${CHANGE_WORDS[mark.change]}`,
  ];
  return (
    <div className={classes.filter(Boolean).join(" ")}>
      <Handle type="target" position={down ? Position.Top : Position.Left} />
      <div className="state-name">
        {mark?.change !== undefined && <span className="change">{mark.change} </span>}
        {cut(node.id)}
        {mark?.problems !== undefined && <ProblemCount {...mark.problems} />}
      </div>
      {tasks.map((task) => (
        <div key={task} className="state-task">
          • {cut(task)}
        </div>
      ))}
      <Handle type="source" position={down ? Position.Bottom : Position.Right} />
    </div>
  );
}

function ProblemCount({ count, hasError }: NonNullable<NodeMark["problems"]>) {
  return (
    <span
      className={hasError ? "state-problems error" : "state-problems"}
      title={count === 1 ? "1 problem" : `${count} problems`}
    >
      {count}
    </span>
  );
}

function MarkerView({ data: { node, down } }: NodeProps<StateNode>) {
  return (
    <div className={`marker-node ${node.kind}`} title={node.kind === "start" ? "Start" : "End"}>
      <Handle type="target" position={down ? Position.Top : Position.Left} isConnectable={false} />
      <Handle type="source" position={down ? Position.Bottom : Position.Right} isConnectable={false} />
    </div>
  );
}

function ReactionView(props: EdgeProps<ReactionEdge>) {
  const { data, markerEnd } = props;
  const { path, label } =
    data?.placed === undefined ? toCurve(props) : { path: toPath(data.placed.points), label: data.placed.label };
  const { change } = data ?? {};
  const text = [change, data === undefined ? "" : toLabel(data.edge)].filter(Boolean).join(" ");
  const classes = [
    "reaction",
    data?.edge.passing && "passing",
    data?.untried && "untried",
    change && `change-${CHANGE_WORDS[change]}`,
  ]
    .filter(Boolean)
    .join(" ");
  return (
    <>
      <BaseEdge path={path} className={classes} {...defined({ markerEnd })} />
      {text !== "" && (
        <EdgeLabelRenderer>
          <div
            className={`${classes} reaction-label`}
            title={toSafeText(`${text} ${data?.edge.when ?? ""}`)}
            style={{ transform: `translate(-50%, -50%) translate(${label.x}px, ${label.y}px)` }}
          >
            {cut(text)}
          </div>
        </EdgeLabelRenderer>
      )}
    </>
  );
}

interface Curve {
  readonly path: string;
  readonly label: { readonly x: number; readonly y: number };
}

/** Returns the curve between states that were moved; arrows between the same two bend differently. */
function toCurve({ id, source, target, sourceX, sourceY, targetX, targetY }: EdgeProps<ReactionEdge>): Curve {
  if (source === target) {
    const [x, y] = [(sourceX + targetX) / 2, Math.min(sourceY, targetY) - 40];
    return {
      path: `M${sourceX} ${sourceY}C${sourceX + 40} ${y - 20} ${targetX - 40} ${y - 20} ${targetX} ${targetY}`,
      label: { x, y },
    };
  }
  const bend = 20 + (Number(id) % 4) * 14;
  const [x, y] = [(sourceX + targetX) / 2, (sourceY + targetY) / 2 - (sourceX < targetX ? bend : -bend)];
  return {
    path: `M${sourceX} ${sourceY}Q${x} ${y} ${targetX} ${targetY}`,
    label: { x, y: (y + (sourceY + targetY) / 2) / 2 },
  };
}

const NODE_TYPES = { state: StateView, marker: MarkerView };
const EDGE_TYPES = { reaction: ReactionView };
