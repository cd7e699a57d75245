import {
  type Box,
  cut as cutText,
  type GraphLayout,
  isAfterFailure,
  METRICS,
  type PlacedLine,
  type PlacedNode,
  type PlacedStub,
  toLabel,
  toPath,
} from "@stackyard/core/drawing";
import type { MachineGraph } from "@stackyard/sdk";
import { memo, type ReactNode, type RefCallback, startTransition, useEffect, useRef, useState } from "react";
import { MarkShape, type Status, toneOf, wordOf } from "../design/mark.tsx";
import { toSafeText } from "../text/safe-text.ts";
import { type Taken, toWidth } from "./taken.ts";

/** The badge of a state besides its name. */
export interface StateBadge {
  /** The shape before its name. */
  readonly status?: Status;
  /** A short text at its right, such as `for 20 min` or `6 stacks`. */
  readonly note?: string;
  /** The state is where the stack is now. */
  readonly current?: boolean;
  /** A sign before its name, such as `+` at one that was added. */
  readonly sign?: string;
}

/** A task of the present state: its status, and a short text at its right, such as `attempt 2`. */
export interface TaskBadge {
  readonly status: Status;
  readonly note?: string;
}

/** The marks of a graph besides the machine. */
export interface GraphMarks {
  readonly states?: Readonly<Record<string, StateBadge>>;
  /** The badges of the present state's tasks, by name. */
  readonly tasks?: Readonly<Record<string, TaskBadge>>;
  /** The number of times that the stack took its arrows. Without it all are alike. */
  readonly taken?: Taken;
  /** The state that is selected. The drawing is scrolled to it. */
  readonly selected?: string;
  /** The task that is selected, in each state that has it. */
  readonly selectedTask?: string;
  /** The arrows that can be taken now, by index. */
  readonly possible?: ReadonlySet<number>;
  /** Called with the id of an event that is drawn once, to draw its arrows. */
  readonly onUnfold?: (stub: string) => void;
  /** Called with the state that is pressed. Its row of the table does the same by keyboard. */
  readonly onSelect?: (state: string) => void;
}

/** No text of a drawing that fits itself becomes smaller, in pixels. */
const SMALLEST_TEXT = 12;
const TEXT = 13;
/** The zoom at which all texts are still readable. */
export const SMALLEST = SMALLEST_TEXT / TEXT;
/** States and arrows that are drawn at once. */
const SLICE = 150;

/** The events by which a person scrolls: wheel, finger, scroll bar and keys. */
const SCROLLING = ["wheel", "touchmove", "pointerdown", "keydown"];

/** No state is shown before others. */
const NOWHERE = { x: undefined, y: undefined, width: 0, height: 0 };

interface DrawingProps extends GraphMarks {
  readonly graph: MachineGraph;
  readonly layout: GraphLayout;
  readonly label: string;
  readonly zoom: Zoom;
  /** Gets the image, for those who copy it. */
  readonly drawing?: RefCallback<SVGSVGElement>;
}

/** 1 is natural size; `fit` is as small as its texts stay readable, `whole` shows all of it, however small. */
export type Zoom = number | "fit" | "whole";

/** Renders a laid-out graph. It is one image for screen readers; the table has the same content. */
export function GraphDrawing({ graph, layout, label, zoom, drawing, ...marks }: DrawingProps) {
  const scroller = useRef<HTMLElement>(null);
  const present = findPresent(marks);
  const shown = marks.selected ?? present;
  const place = layout.nodes.find(({ id }) => id === shown);
  const { x, y, width: across, height: down } = place ?? NOWHERE;
  const { width, height } = layout;
  useEffect(() => {
    const area = scroller.current;
    // Another zoom begins at the state, too; where all is shown, nothing is scrolled.
    if (!area || x === undefined || y === undefined || zoom === "whole") return;
    // Pane and drawing may get another width after they were drawn, when a list appears next to them.
    const box = { x, y, width: across, height: down };
    const observer = new ResizeObserver(() => showBox(area, box, { width, height }));
    observer.observe(area);
    if (area.firstElementChild) observer.observe(area.firstElementChild);
    // A place that a person has scrolled to stays. The place alone does not show who scrolled: a wider pane scrolls back by itself.
    const stop = () => observer.disconnect();
    for (const event of SCROLLING) area.addEventListener(event, stop, { passive: true });
    return () => {
      stop();
      for (const event of SCROLLING) area.removeEventListener(event, stop);
    };
  }, [x, y, across, down, zoom, width, height]);
  const style = typeof zoom === "number" ? { width: width * zoom } : toFittedSize(layout, zoom);
  const className = present === undefined ? "graph-scroll tall" : "graph-scroll";
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the area is scrolled with the keyboard
    <section className={className} ref={scroller} tabIndex={0} aria-label={label}>
      <svg
        className="graph"
        ref={drawing}
        role="img"
        aria-label={label}
        viewBox={`0 0 ${width} ${height}`}
        style={{ ...style, height: "auto", display: "block", margin: "auto" }}
      >
        <Parts graph={graph} layout={layout} marks={marks} />
      </svg>
    </section>
  );
}

/** Returns the state where the stack is now; undefined in the graph of a machine. */
export function findPresent({ states = {} }: GraphMarks): string | undefined {
  return Object.entries(states).find(([, badge]) => badge.current)?.[0];
}

/** What follows a state is seen this far, where the drawing is scrolled to the state, in pixels. */
const AHEAD = 48;

/** Scrolls the drawing to a state, no further than it takes: from its start on where that shows all of the state. */
function showBox(area: HTMLElement, box: Box, size: Pick<GraphLayout, "width" | "height">): void {
  const drawing = area.firstElementChild?.getBoundingClientRect();
  if (drawing === undefined) return;
  const frame = area.getBoundingClientRect();
  const [scaleX, scaleY] = [drawing.width / size.width, drawing.height / size.height];
  const left = drawing.left - frame.left - area.clientLeft + area.scrollLeft;
  const top = drawing.top - frame.top - area.clientTop + area.scrollTop;
  area.scrollTo({
    left: toScroll(left + box.x * scaleX, box.width * scaleX, area.clientWidth),
    top: toScroll(top + box.y * scaleY, box.height * scaleY, area.clientHeight),
  });
}

/** Returns how far to scroll so that something is seen in a room: not at all where it ends within the room, else until it and what follows are. */
function toScroll(middle: number, length: number, room: number): number {
  const [begin, end] = [middle - length / 2, middle + length / 2];
  return end <= room ? 0 : Math.min(begin, end + AHEAD - room);
}

interface PartsProps {
  readonly graph: MachineGraph;
  readonly layout: GraphLayout;
  readonly marks: GraphMarks;
}

/** Draws a slice more after each frame, so the page reacts between them. Labels are above states, states above arrows. */
function Parts(props: PartsProps) {
  const { nodes, lines, stubs } = props.layout;
  const slices = Math.ceil(Math.max(nodes.length, lines.length) / SLICE);
  const [drawn, setDrawn] = useState(1);
  useEffect(() => {
    if (drawn >= slices) return undefined;
    const frame = requestAnimationFrame(() => startTransition(() => setDrawn(drawn + 1)));
    return () => cancelAnimationFrame(frame);
  }, [drawn, slices]);
  const starts = Array.from({ length: drawn }, (_, slice) => slice * SLICE);
  return (
    <>
      {starts.map((from) => (
        <EdgePaths key={from} from={from} {...props} />
      ))}
      {starts.map((from) => (
        <Nodes key={from} from={from} {...props} />
      ))}
      {starts.map((from) => (
        <EdgeLabels key={from} from={from} {...props} />
      ))}
      {stubs.map((stub) => (
        <StubText key={stub.id} stub={stub} graph={props.graph} marks={props.marks} />
      ))}
    </>
  );
}

interface SliceProps extends PartsProps {
  /** The index of its first arrow or state. */
  readonly from: number;
}

// Each slice is rendered again only when it changes itself.
const EdgePaths = memo(function EdgePaths({ graph, layout, marks, from }: SliceProps) {
  return layout.lines.slice(from, from + SLICE).map((line) => {
    const stub = layout.stubs.find(({ id }) => id === line.from);
    const edges = stub?.edges ?? line.edges;
    return <LinePath key={toLineKey(line)} points={line.points} edges={edges} graph={graph} taken={marks.taken} />;
  });
});

const Nodes = memo(function Nodes({ graph, layout, marks, from }: SliceProps) {
  return layout.nodes.slice(from, from + SLICE).map((placed, n) => {
    const node = graph.nodes[from + n];
    return node === undefined ? null : <Node key={node.id} node={node} placed={placed} marks={marks} />;
  });
});

const EdgeLabels = memo(function EdgeLabels({ graph, layout, marks, from }: SliceProps) {
  return layout.lines
    .slice(from, from + SLICE)
    .map((line) => <LineLabel key={toLineKey(line)} line={line} graph={graph} taken={marks.taken} />);
});

/** Returns a size that fits the whole graph; one that would become too small to read is scrolled, unless `whole`. */
function toFittedSize({ width, height }: Pick<GraphLayout, "width" | "height">, zoom: "fit" | "whole") {
  const size = { width: "100%", maxWidth: width, maxHeight: "calc(var(--graph-height) - 16px)" };
  return zoom === "whole"
    ? size
    : { ...size, minWidth: Math.ceil(width * SMALLEST), minHeight: Math.ceil(height * SMALLEST) };
}

function toLineKey({ from, to }: PlacedLine): string {
  return JSON.stringify([from, to]);
}

interface PathProps {
  readonly points: PlacedLine["points"];
  /** The graph's edges that it represents. */
  readonly edges: readonly number[];
  readonly graph: MachineGraph;
  /** The number of times that each was taken, where that is known. */
  readonly taken: Taken | undefined;
}

/** Renders a line with its head. */
export function LinePath({ points, edges, graph, taken }: PathProps) {
  const [last, before] = [points.at(-1), points.at(-2)];
  if (last === undefined || before === undefined) return null;
  const own = edges.flatMap((index) => graph.edges[index] ?? []);
  const count = countOf(edges, taken);
  const classes = [
    "graph-edge",
    own.length > 0 && own.every(({ passing }) => passing) && "passing",
    own.length > 0 && own.every(isAfterFailure) && "after-failure",
    count > 0 && "taken",
  ];
  const angle = (Math.atan2(last.y - before.y, last.x - before.x) * 180) / Math.PI;
  return (
    <g className={classes.filter(Boolean).join(" ")}>
      <path d={toPath(points)} fill="none" strokeWidth={toWidth(count)} />
      <path
        d="M0 0L-8 -4L-8 4z"
        className="graph-arrow"
        transform={`translate(${last.x} ${last.y}) rotate(${angle})`}
      />
    </g>
  );
}

function countOf(edges: readonly number[], taken: Taken | undefined): number {
  return edges.reduce((sum, index) => sum + (taken?.edges[index] ?? 0), 0);
}

interface LabelProps {
  readonly line: Pick<PlacedLine, "edges" | "label">;
  readonly graph: MachineGraph;
  readonly taken: Taken | undefined;
  /** Signs of arrows that differ from another graph, by index. */
  readonly signs?: ReadonlyMap<number, string> | undefined;
  /** The arrows that can be taken now, by index. */
  readonly possible?: ReadonlySet<number> | undefined;
}

/** Renders the texts of a line, below each other on a ground that hides the line. */
export function LineLabel({ line: { edges, label }, graph, taken, signs, possible }: LabelProps) {
  const rows = edges.flatMap((index) => {
    const edge = graph.edges[index];
    const text = [signs?.get(index), toLabel(edge)].filter(Boolean).join(" ");
    return text === "" ? [] : [{ index, text, when: edge?.when }];
  });
  if (rows.length === 0) return null;
  return (
    <g>
      <Ground box={label} />
      {rows.map(({ index, text, when }, row) => (
        <TextRow
          key={index}
          box={label}
          row={row}
          edge={index}
          text={text}
          count={countOf([index], taken)}
          isPossible={possible?.has(index) ?? false}
          title={when}
        />
      ))}
    </g>
  );
}

function Ground({ box: { x, y, width, height } }: { readonly box: Box }) {
  return <rect className="graph-ground" x={x - width / 2} y={y - height / 2} width={width} height={height} />;
}

interface TextRowProps {
  readonly box: Box;
  readonly row: number;
  /** The index of its arrow; several have none. */
  readonly edge?: number;
  readonly text: string;
  readonly count: number;
  /** It can be taken now. */
  readonly isPossible: boolean;
  /** The title with further facts. */
  readonly title: string | undefined;
}

function TextRow({ box: { x, y, height }, row, edge, text, count, isPossible, title }: TextRowProps) {
  const classes = ["graph-label", count > 0 && "taken", isPossible && "possible"];
  return (
    <text
      className={classes.filter(Boolean).join(" ")}
      data-edge={edge}
      x={x}
      y={y - height / 2 + (row + 0.5) * METRICS.line + 4}
      textAnchor="middle"
    >
      {cut(text)}
      {(title !== undefined || count > 0 || text.length > METRICS.maxCharacters) && (
        <title>{toSafeText([text, title, count > 0 && `taken ${count}×`].filter(Boolean).join(" "))}</title>
      )}
    </text>
  );
}

interface StubProps {
  readonly stub: PlacedStub;
  readonly graph: MachineGraph;
  readonly marks: Pick<GraphMarks, "taken" | "possible" | "onUnfold">;
}

/** Renders an event that many states handle alike. Pressed, it is drawn as its arrows; the table has each of them. */
export function StubText({ stub, graph, marks: { taken, possible, onUnfold } }: StubProps) {
  const names = stub.edges.flatMap((index) => {
    const { from, after } = graph.edges[index] ?? {};
    return from === undefined ? [] : [after === undefined ? from : `${from} after ${after}`];
  });
  return (
    // The rows of the table have the same by keyboard.
    <g
      className={onUnfold === undefined ? "graph-stub" : "graph-stub pressable"}
      {...(onUnfold && { onClick: () => onUnfold(stub.id) })}
    >
      <Ground box={stub} />
      <TextRow
        box={stub}
        row={0}
        text={stub.text}
        count={countOf(stub.edges, taken)}
        isPossible={stub.edges.some((index) => possible?.has(index))}
        title={`: ${names.join(", ")}`}
      />
    </g>
  );
}

interface NodeProps {
  readonly node: MachineGraph["nodes"][number];
  readonly placed: PlacedNode;
  readonly marks: GraphMarks;
}

function Node({ node, placed, marks }: NodeProps) {
  const { x, y } = placed;
  if (node.kind === "start") return <circle className="graph-marker" cx={x} cy={y} r="6" />;
  if (node.kind === "end") {
    return (
      <g>
        <circle className="graph-end" cx={x} cy={y} r="7.5" />
        <circle className="graph-marker" cx={x} cy={y} r="4" />
      </g>
    );
  }
  return <StateNode node={node} placed={placed} marks={marks} />;
}

/** Returns the classes of a state: what it is in its machine, and what it is for the stack. */
function toNodeClass({ id, terminal, reachable }: NodeProps["node"], marks: GraphMarks): string {
  const { current, status } = marks.states?.[id] ?? {};
  const classes = [
    "graph-node",
    current && "current",
    current && status !== undefined && `tone-${toneOf(status)}`,
    marks.taken !== undefined && !current && (marks.taken.states.has(id) ? "been" : "not-entered"),
    terminal && "terminal",
    reachable === false && "unreachable",
    marks.selected === id && "selected",
    marks.onSelect !== undefined && "pressable",
  ];
  return classes.filter(Boolean).join(" ");
}

/** Renders a state. */
export function StateNode({ node, placed, marks }: NodeProps) {
  const { id, tasks = [] } = node;
  const badge = marks.states?.[id];
  const [left, top] = [placed.x - placed.width / 2, placed.y - placed.height / 2];
  const { onSelect } = marks;
  const baseline = top + METRICS.padding + 13;
  return (
    // The rows of the table next to it are buttons that do the same by keyboard.
    <g className={toNodeClass(node, marks)} {...(onSelect && { onClick: () => onSelect(id) })}>
      <rect x={left} y={top} width={placed.width} height={placed.height} rx="4" />
      {badge?.status !== undefined && <MarkShape status={badge.status} x={left + 8} y={baseline - 11} />}
      <text className="graph-name" x={left + (badge?.status === undefined ? METRICS.padding : 26)} y={baseline}>
        {badge?.sign !== undefined && `${badge.sign} `}
        {cut(id)}
        {id.length > METRICS.maxCharacters && <title>{toSafeText(id)}</title>}
      </text>
      {badge?.note !== undefined && (
        <text className="graph-note" x={left + placed.width - METRICS.padding} y={baseline} textAnchor="end">
          {cut(badge.note)}
        </text>
      )}
      {tasks.map((task, index) => {
        const shown = badge?.current ? marks.tasks?.[task] : undefined;
        const y = baseline + (index + 1) * METRICS.line + 4;
        const isSelected = task === marks.selectedTask;
        return (
          <TaskLine key={task} name={task} badge={shown} isSelected={isSelected} x={left} y={y} width={placed.width} />
        );
      })}
    </g>
  );
}

interface TaskLineProps {
  readonly name: string;
  readonly badge: TaskBadge | undefined;
  readonly isSelected: boolean;
  readonly x: number;
  readonly y: number;
  /** The width of the state around it. */
  readonly width: number;
}

function TaskLine({ name, badge, isSelected, x, y, width }: TaskLineProps) {
  const shape: ReactNode =
    badge === undefined ? (
      <circle className="graph-dot" cx={x + 15} cy={y - 4} r="2" />
    ) : (
      <MarkShape status={badge.status} x={x + 8} y={y - 11} />
    );
  return (
    <g data-task={name}>
      {shape}
      <text className={isSelected ? "graph-task selected" : "graph-task"} x={x + 26} y={y}>
        {cut(name)}
        {(badge !== undefined || name.length > METRICS.maxCharacters) && (
          <title>{toSafeText(badge === undefined ? name : `${name}: ${wordOf(badge.status)}`)}</title>
        )}
      </text>
      {badge?.note !== undefined && (
        <text className="graph-note" x={x + width - METRICS.padding} y={y} textAnchor="end">
          {cut(badge.note)}
        </text>
      )}
    </g>
  );
}

/** Returns the part of a text that fits into a drawing. */
function cut(text: string): string {
  return toSafeText(cutText(text));
}
