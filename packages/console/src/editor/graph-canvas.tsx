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
} from "@xyflow/react";
import {
  type KeyboardEvent,
  type MouseEvent,
  type ReactNode,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { IconButton } from "../design/icon-button.tsx";
import { Skeleton } from "../design/page.tsx";
import type { Taken } from "../graph/taken.ts";
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
import { type Size, toViewport, useFittingLayout } from "./use-fitting-layout.ts";
import "@xyflow/react/dist/base.css";
import "../graph/graph.css";

/** The command of a key. */
export type CanvasKey = "edit" | "rename" | "connect" | "remove" | "undo" | "redo";

interface CanvasProps {
  readonly graph: MachineGraph;
  /** The direction that a person has chosen; undefined: the one in which the graph fits. */
  readonly turned: Direction | undefined;
  /** Called with the direction in which it is drawn. */
  readonly onDirection: (direction: Direction) => void;
  /** The text has errors: this is the last valid one. */
  readonly dimmed: boolean;
  readonly selected: string | undefined;
  readonly selectedTask?: string | undefined;
  /** The arrows that are selected, or those of the selected state, by index. */
  readonly chosen?: ReadonlySet<number> | undefined;
  /** The arrows that can be taken now, by index: they are pressed. */
  readonly possible?: ReadonlySet<number> | undefined;
  /** The arrows that no step has taken, by index, while they are shown. */
  readonly untried?: ReadonlySet<number> | undefined;
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
  /** Called with the index of an arrow that is pressed. */
  readonly onSelectEdge: (edge: number) => void;
  /** Called with a task of a state that is pressed. */
  readonly onSelectTask?: (task: string) => void;
  readonly onConnect?: ((from: string, to: string) => void) | undefined;
  /** Called for `Enter`, `F2`, `c`, `Delete` and undo on the focused state, else the selected one. */
  readonly onKey: (key: CanvasKey, state: string | undefined) => void;
  /** More tools besides those for the zoom. */
  readonly tools?: ReactNode;
}

/** Renders the graph of a machine, in which states are selected, moved and connected. */
export function GraphCanvas(props: CanvasProps) {
  const place = useRef<HTMLDivElement>(null);
  const pane = useSize(place);
  return (
    <div className={props.dimmed ? "canvas dimmed" : "canvas"} ref={place}>
      {pane !== undefined && (
        <ReactFlowProvider>
          <Canvas {...props} pane={pane} />
        </ReactFlowProvider>
      )}
    </div>
  );
}

/** Returns the size of an element that is shown; undefined until it is. */
function useSize(place: RefObject<HTMLElement | null>): Size | undefined {
  const [size, setSize] = useState<Size>();
  useLayoutEffect(() => {
    const element = place.current;
    if (element === null) return;
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = element;
      if (width === 0 || height === 0) return;
      setSize((known) => (known?.width === width && known.height === height ? known : { width, height }));
    };
    measure();
    let frame = 0;
    // Not at once: what is laid out anew may get another size within the same notification.
    const observer = new ResizeObserver(() => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(measure);
    });
    observer.observe(element);
    return () => {
      cancelAnimationFrame(frame);
      observer.disconnect();
    };
  }, [place]);
  return size;
}

type Placement = Pick<
  CanvasProps,
  "selected" | "selectedTask" | "chosen" | "possible" | "untried" | "marks" | "taken" | "changes"
> & {
  readonly direction: Direction;
  readonly graph: MachineGraph;
  readonly layout: GraphLayout | undefined;
  /** The places of states that were moved. */
  readonly places: ReadonlyMap<string, Point>;
};

function useNodes(placement: Placement): StateNode[] {
  const { graph, layout, places, selected, selectedTask, marks, taken, direction } = placement;
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
            data: { node, mark: marks.get(id), taken, task: selectedTask, down: direction === "down" },
          },
        ];
      }),
    [graph, layout, places, selected, selectedTask, marks, taken, direction],
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

function useStubs({ graph, layout, places, taken, possible, direction }: Placement): StubNode[] {
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
          data: { stub, graph, taken, possible, down: direction === "down" },
        };
      }),
    [graph, layout, places, taken, possible, direction],
  );
}

function useEdges(placement: Placement): ReactionEdge[] {
  const { graph, layout, places, taken, changes, chosen, possible, untried } = placement;
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
          chosen,
          possible,
          untried,
        },
      })),
    [graph, layout, places, taken, changes, chosen, possible, untried],
  );
}

type MoveNodes = (changes: NodeChange<StateNode | StubNode>[]) => void;

/** Keeps where states are while they are dragged. */
function useDragged(moved: CanvasProps["moved"], onMove: CanvasProps["onMove"]) {
  const [dragged, setDragged] = useState(moved);
  useEffect(() => setDragged(moved), [moved]);
  const places = useMemo(() => new Map([...moved, ...dragged]), [moved, dragged]);
  const onNodesChange: MoveNodes = (changes) => {
    for (const change of changes) {
      if (change.type !== "position" || change.position === undefined) continue;
      const next = new Map([...places, [change.id, change.position]]);
      setDragged(next);
      if (change.dragging === false) onMove(next);
    }
  };
  return { places, onNodesChange };
}

/** Returns an attribute of what was pressed inside a node or a line. */
function findData({ target }: MouseEvent, name: "task" | "edge"): string | undefined {
  const found = target instanceof Element ? target.closest<SVGElement>(`[data-${name}]`) : null;
  return found?.dataset[name];
}

/** Returns the arrow that is meant: that of the pressed text, else the first one that can be taken, else the first. */
function toPressed(
  text: string | undefined,
  edges: readonly number[],
  possible: ReadonlySet<number> | undefined,
): number | undefined {
  if (text !== undefined) return Number(text);
  return edges.find((edge) => possible?.has(edge)) ?? edges[0];
}

/** Takes the arrow of a stub that can be taken now; any other stub is unfolded. */
function pressStub(
  { stub, possible }: StubNode["data"],
  { onSelectEdge }: Pick<CanvasProps, "onSelectEdge">,
  unfold: () => void,
): void {
  const edge = stub.edges.find((each) => possible?.has(each));
  if (edge === undefined) unfold();
  else onSelectEdge(edge);
}

interface FittingInput {
  readonly layout: GraphLayout | undefined;
  readonly pane: Size;
  /** The state that a graph too large for its pane begins at. */
  readonly around: string | undefined;
  readonly isOn: boolean;
}

/** Keeps the graph in view when it or its pane changes, while that is on. */
function useFitting({ layout, pane, around, isOn }: FittingInput): void {
  const flow = useReactFlow();
  useEffect(() => {
    if (isOn && layout !== undefined) void flow.setViewport(toViewport(layout, pane, around));
  }, [flow, layout, pane, around, isOn]);
}

function Canvas(props: CanvasProps & { readonly pane: Size }) {
  const { graph: newest, turned, onDirection, marks, taken, changes, moved, fallback, pane } = props;
  const [opened, setOpened] = useState<readonly string[]>([]);
  // An event that is drawn once does not show which of its arrows differ.
  const unfolded = changes === undefined ? opened : "all";
  const [isFitting, setFitting] = useState(true);
  // States that were moved have their places in one direction.
  const stays = !isFitting || moved.size > 0;
  const notes = taken !== undefined || [...marks.values()].some(({ time }) => time !== undefined);
  const state = useFittingLayout(newest, { turned, pane, stays, notes, unfolded });
  const { places, onNodesChange } = useDragged(moved, props.onMove);
  const isReady = state.kind === "ready";
  const direction = isReady ? state.direction : (turned ?? "right");
  // While a changed graph is laid out, the earlier one stays with its layout.
  const { selected, selectedTask, chosen, possible, untried } = props;
  const placement: Placement = {
    graph: isReady ? state.graph : newest,
    layout: isReady ? state.layout : undefined,
    places,
    direction,
    marks,
    taken,
    changes,
    selected,
    selectedTask,
    chosen,
    possible,
    untried,
  };
  const nodes = useNodes(placement);
  const stubs = useStubs(placement);
  const edges = useEdges(placement);
  const current = [...marks].find(([, mark]) => mark.current)?.[0];
  useFitting({ layout: placement.layout, pane, around: current ?? "INIT", isOn: isFitting });
  useEffect(() => onDirection(direction), [onDirection, direction]);
  // A graph that was turned is shown anew.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another direction is another picture
  useEffect(() => setFitting(true), [turned]);
  if (state.kind === "pending") return <Skeleton height={240} />;
  if (state.kind === "failed") return fallback;
  return (
    <Flow
      {...props}
      nodes={nodes}
      stubs={stubs}
      edges={edges}
      onNodesChange={onNodesChange}
      opened={opened}
      setOpened={setOpened}
      isFitting={isFitting}
      setFitting={setFitting}
    />
  );
}

interface FlowProps extends CanvasProps {
  readonly nodes: StateNode[];
  readonly stubs: StubNode[];
  readonly edges: ReactionEdge[];
  readonly onNodesChange: MoveNodes;
  /** Events that many states handle alike, and whose arrows are drawn all the same. */
  readonly opened: readonly string[];
  readonly setOpened: (opened: readonly string[]) => void;
  readonly isFitting: boolean;
  readonly setFitting: (isFitting: boolean) => void;
}

function Flow({ nodes, stubs, edges, onNodesChange, opened, setOpened, isFitting, setFitting, ...on }: FlowProps) {
  const stop = () => setFitting(false);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the focused node inside
    <div className="canvas-keys" onKeyDown={(event) => pressKey(event, nodes, on)}>
      <ReactFlow
        nodes={[...nodes, ...stubs]}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        onNodesChange={onNodesChange}
        onNodeClick={(event, { id, type, data }) => {
          const task = findData(event, "task");
          if (type === "stub") pressStub(data as StubNode["data"], on, () => setOpened([...opened, id]));
          else if (type !== "state") on.onSelect(undefined);
          else if (task === undefined) on.onSelect(id);
          else on.onSelectTask?.(task);
        }}
        onNodeDoubleClick={(_, { id, type }) => type === "state" && on.onKey("edit", id)}
        onEdgeClick={(event, { data: line }) => {
          const edge = line && toPressed(findData(event, "edge"), line.edges, on.possible);
          if (edge !== undefined) on.onSelectEdge(edge);
        }}
        onMoveStart={(event) => event && stop()}
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
        <Controls orientation="horizontal" showInteractive={false} showZoom={false} showFitView={false}>
          <IconButton icon="fit" label="Fit the graph" pressed={isFitting} onPress={() => setFitting(true)} />
          <ZoomButtons onZoom={stop} />
          {opened.length > 0 && (
            <ControlButton title="Draw events that many states share once" onClick={() => setOpened([])}>
              1×
            </ControlButton>
          )}
          {on.tools}
        </Controls>
      </ReactFlow>
    </div>
  );
}

/** Moves over the states by arrow keys, and hands on what other keys do to the focused one. */
function pressKey(
  event: KeyboardEvent,
  nodes: readonly StateNode[],
  { selected, onSelect, onKey }: Pick<CanvasProps, "selected" | "onSelect" | "onKey">,
): void {
  const action = toAction(event);
  if (action === undefined) return;
  event.preventDefault();
  const states = nodes.filter(({ type }) => type === "state").map(toBox);
  const at = findFocused(event)?.dataset["id"] ?? selected;
  const next = "move" in action ? findNeighbor(states, at, action.move) : at;
  if (next !== undefined && next !== selected) onSelect(next);
  if ("key" in action) onKey(action.key, at);
  else if (next !== undefined) findState(event.currentTarget, next)?.focus();
}

function ZoomButtons({ onZoom }: { onZoom: () => void }) {
  const flow = useReactFlow();
  const zoom = (change: () => Promise<boolean>) => {
    onZoom();
    void change();
  };
  return (
    <>
      <IconButton icon="add" label="Closer" onPress={() => zoom(flow.zoomIn)} />
      <IconButton icon="less" label="Farther" onPress={() => zoom(flow.zoomOut)} />
    </>
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
