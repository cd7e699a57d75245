import { defined } from "@stackyard/core";
import { type Box, type PlacedLine, type PlacedStub, toPath } from "@stackyard/core/drawing";
import type { MachineGraph } from "@stackyard/sdk";
import {
  type Edge,
  EdgeLabelRenderer,
  type EdgeProps,
  Handle,
  type Node,
  type NodeProps,
  Position,
} from "@xyflow/react";
import {
  type GraphMarks,
  LineLabel,
  LinePath,
  type StateBadge,
  StateNode as StateDrawing,
  StubText,
} from "../graph/graph-drawing.tsx";
import { type Taken, toTimes } from "../graph/taken.ts";
import { CHANGE_WORDS, type ChangeMark } from "./graph-diff.ts";

/** The marks at a state besides its name and tasks. */
export interface NodeMark {
  readonly problems?: { readonly count: number; readonly hasError: boolean };
  readonly current?: boolean;
  readonly change?: ChangeMark | undefined;
  /** The time after which the state is left, such as `30m`. */
  readonly time?: string;
}

/** A state in the canvas. */
export type StateNode = Node<{
  readonly node: MachineGraph["nodes"][number];
  readonly mark: NodeMark | undefined;
  readonly taken: Taken | undefined;
  /** The task that is selected. */
  readonly task: string | undefined;
  readonly down: boolean;
}>;
/** An event that many states handle alike. */
export type StubNode = Node<{
  readonly stub: PlacedStub;
  readonly graph: MachineGraph;
  readonly taken: Taken | undefined;
  /** The arrows that can be taken now. */
  readonly possible: ReadonlySet<number> | undefined;
  readonly down: boolean;
}>;
/** A line in the canvas, with the edges that it represents. */
export type ReactionEdge = Edge<{
  readonly graph: MachineGraph;
  readonly line: PlacedLine;
  readonly edges: readonly number[];
  /** One of its states was moved by hand. */
  readonly isMoved: boolean;
  readonly taken: Taken | undefined;
  readonly changes: ReadonlyMap<number, ChangeMark> | undefined;
  /** The arrows that are selected, or those of the selected state. */
  readonly chosen: ReadonlySet<number> | undefined;
  /** The arrows that can be taken now. */
  readonly possible: ReadonlySet<number> | undefined;
  /** The arrows that no step has taken, while they are shown. */
  readonly untried: ReadonlySet<number> | undefined;
}>;

/** Renders a state as all graphs of the console do. */
function StateView({ data: { node, mark, taken, task, down }, selected, width = 0, height = 0 }: NodeProps<StateNode>) {
  const { id } = node;
  const times = taken?.states.get(id);
  const badge: StateBadge = {
    ...(mark?.current && { current: true }),
    ...defined({ note: times === undefined ? mark?.time : toTimes(times) }),
    ...defined({ sign: mark?.change }),
  };
  const marks: GraphMarks = {
    states: { [id]: badge },
    ...defined({ taken, selectedTask: task }),
    ...(selected && { selected: id }),
  };
  return (
    <>
      <Handle type="target" position={down ? Position.Top : Position.Left} />
      <svg role="presentation" className={`graph ${toChangeClass(mark?.change)}`} width={width} height={height}>
        <StateDrawing node={node} placed={{ id, x: width / 2, y: height / 2, width, height }} marks={marks} />
      </svg>
      {mark?.problems !== undefined && <ProblemCount {...mark.problems} />}
      <Handle type="source" position={down ? Position.Bottom : Position.Right} />
    </>
  );
}

function toChangeClass(change: ChangeMark | undefined): string {
  return change === undefined ? "" : `change-${CHANGE_WORDS[change]}`;
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

function StubView({ data: { stub, graph, taken, possible, down }, width = 0, height = 0 }: NodeProps<StubNode>) {
  const placed = { ...stub, x: width / 2, y: height / 2 };
  return (
    <>
      <svg role="presentation" className="graph" width={width} height={height}>
        <StubText stub={placed} graph={graph} marks={defined({ taken, possible, onUnfold: () => {} })} />
      </svg>
      <Handle type="source" position={down ? Position.Bottom : Position.Right} isConnectable={false} />
    </>
  );
}

/** Renders a line as all graphs of the console do. */
function ReactionView(props: EdgeProps<ReactionEdge>) {
  const { data } = props;
  if (data === undefined) return null;
  const { graph, edges, taken, changes, chosen, possible, untried, isMoved } = data;
  const line = isMoved ? { ...data.line, ...toCurve(props, data.line.label) } : data.line;
  const signs = new Set(edges.map((index) => changes?.get(index)));
  const [sign] = signs.size === 1 ? signs : [];
  const has = (set: ReadonlySet<number> | undefined) => edges.some((index) => set?.has(index));
  const classes = [
    toChangeClass(sign),
    has(chosen) && "line-chosen",
    has(possible) && "line-possible",
    has(untried) && "line-untried",
  ];
  return (
    <>
      <g className={classes.filter(Boolean).join(" ")}>
        <LinePath points={line.points} edges={edges} graph={graph} taken={taken} />
      </g>
      <path
        className="react-flow__edge-interaction"
        d={toPath(line.points)}
        fill="none"
        strokeOpacity={0}
        strokeWidth={20}
      />
      <EdgeLabelRenderer>
        <svg role="presentation" className={`graph reaction-label ${toChangeClass(sign)}`} width={1} height={1}>
          <LineLabel line={line} graph={graph} taken={taken} signs={changes} possible={possible} />
        </svg>
      </EdgeLabelRenderer>
    </>
  );
}

/** Returns the way between states that were moved; lines there and back bend differently. */
function toCurve(
  { source, target, sourceX, sourceY, targetX, targetY }: EdgeProps<ReactionEdge>,
  label: Box,
): Pick<PlacedLine, "points" | "label"> {
  const [start, end] = [
    { x: sourceX, y: sourceY },
    { x: targetX, y: targetY },
  ];
  const turn = sourceX < targetX ? BEND : -BEND;
  const middle =
    source === target
      ? { x: (sourceX + targetX) / 2, y: Math.min(sourceY, targetY) - 40 }
      : { x: (sourceX + targetX) / 2, y: (sourceY + targetY) / 2 - turn };
  return { points: [start, middle, end], label: { ...label, ...middle } };
}

const BEND = 24;
/** The components of the nodes, by type. */
export const NODE_TYPES = { state: StateView, marker: MarkerView, stub: StubView };
/** The components of the lines, by type. */
export const EDGE_TYPES = { reaction: ReactionView };
