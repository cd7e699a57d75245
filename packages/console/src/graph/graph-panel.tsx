import { defined } from "@stackyard/core";
import type { Direction } from "@stackyard/core/drawing";
import type { MachineGraph } from "@stackyard/sdk";
import { type RefCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Button } from "../design/button.tsx";
import { CopyImage } from "../design/copy-image.tsx";
import { Panel, Skeleton } from "../design/page.tsx";
import { findPresent, GraphDrawing, type GraphMarks, SMALLEST, type Zoom } from "./graph-drawing.tsx";
import { GraphTable } from "./graph-table.tsx";
import { useLayout } from "./use-layout.ts";
import "./graph.css";

interface GraphPanelProps extends GraphMarks {
  readonly graph: MachineGraph;
  /** The label for screen readers: `Graph of review-app`. */
  readonly label: string;
}

const ZOOM_STEP = 1.25;
/** In narrower places a graph grows downwards. */
const NARROW_PX = 640;
/** A graph of more nodes, two of which are the markers, has a search. */
const SEARCHED = 12;
/** Left and right of a drawing, in `graph.css`. */
const PADDING_PX = 16;

/** Renders a machine as a graph, or as a table with the same content. */
export function GraphPanel({ graph, label, ...marks }: GraphPanelProps) {
  const [view, setView] = useState<"graph" | "table">("graph");
  const [zoom, setZoom] = useState<Zoom>("fit");
  const [direction, setDirection] = useState<Direction>();
  const [isChosen, setChosen] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const [drawing, setDrawing] = useState<SVGSVGElement | null>(null);
  // Before anything is painted: a panel without a graph would look like one of an empty machine.
  useLayoutEffect(() => setDirection((place.current?.clientWidth ?? 0) < NARROW_PX ? "down" : "right"), []);
  const [unfolded, setUnfolded] = useState<readonly string[]>([]);
  const [found, setFound] = useState<string>();
  const shown = view === "graph";
  return (
    <Panel
      title="Graph"
      actions={
        <>
          {shown && (
            <>
              {graph.nodes.length > SEARCHED && <FindState graph={graph} onFound={setFound} />}
              {unfolded.length > 0 && (
                <Button look="plain" label="Draw events that many states share once" onPress={() => setUnfolded([])}>
                  Fold
                </Button>
              )}
              <Button
                look="plain"
                label={direction === "right" ? "Draw downwards" : "Draw to the right"}
                onPress={() => {
                  setDirection(direction === "right" ? "down" : "right");
                  setChosen(true);
                }}
              >
                Turn
              </Button>
              <Button look="plain" label="Smaller" onPress={() => setZoom(Math.max(0.2, toNumber(zoom) / ZOOM_STEP))}>
                −
              </Button>
              <Button look="plain" label="Larger" onPress={() => setZoom(Math.min(4, toNumber(zoom) * ZOOM_STEP))}>
                +
              </Button>
              <Button
                look="plain"
                label={zoom === "fit" ? "Show the whole graph" : "Begin at the present state, readable"}
                onPress={() => setZoom(zoom === "fit" ? "whole" : "fit")}
              >
                {zoom === "fit" ? "Whole" : "Fit"}
              </Button>
              <CopyImage of={drawing} what="graph" file={label} />
            </>
          )}
          <Button look="plain" onPress={() => setView(shown ? "table" : "graph")}>
            {shown ? "Table" : "Graph"}
          </Button>
        </>
      }
    >
      {shown && marks.taken !== undefined && (
        <p className="graph-legend muted">
          Strong: taken by this stack, thicker when often. Dashed: after a failure. Dotted: passed through at once.
        </p>
      )}
      <div ref={place}>
        {shown && direction !== undefined && (
          <Drawing
            graph={graph}
            label={label}
            zoom={zoom}
            direction={direction}
            room={isChosen || findPresent(marks) !== undefined ? Number.POSITIVE_INFINITY : roomIn(place.current)}
            onTurn={setDirection}
            drawing={setDrawing}
            unfolded={unfolded}
            onUnfold={(stub) => setUnfolded([...unfolded, stub])}
            {...defined({ selected: found })}
            {...marks}
          />
        )}
        {!shown && <GraphTable graph={graph} label={label} {...marks} />}
      </div>
    </Panel>
  );
}

interface FindProps {
  readonly graph: MachineGraph;
  /** Called with the state that is searched for; undefined when none exists. */
  readonly onFound: (state: string | undefined) => void;
}

/** Searches a state by a part of its name. */
function FindState({ graph, onFound }: FindProps) {
  const find = (text: string) => {
    const part = text.trim().toLowerCase();
    const names = graph.nodes.flatMap(({ kind, id }) => (kind === "state" ? [id] : []));
    const exact = names.find((name) => name.toLowerCase() === part);
    onFound(part === "" ? undefined : (exact ?? names.find((name) => name.toLowerCase().includes(part))));
  };
  return (
    <input
      type="search"
      aria-label="Find a state"
      placeholder="Find a state"
      onChange={(event) => find(event.target.value)}
    />
  );
}

/** Returns the width for a drawing, in pixels. */
function roomIn(place: HTMLElement | null): number {
  return (place?.clientWidth ?? 0) - PADDING_PX;
}

/** Steps begin at natural size. */
function toNumber(zoom: Zoom): number {
  return typeof zoom === "number" ? zoom : 1;
}

interface DrawingProps extends GraphMarks {
  readonly graph: MachineGraph;
  readonly label: string;
  readonly zoom: Zoom;
  readonly direction: Direction;
  /** The width, in pixels, in which a graph that grows to the right must be readable. */
  readonly room: number;
  /** Called with the other direction when the graph is too wide. Stable. */
  readonly onTurn: (direction: Direction) => void;
  /** Ids of the events that are drawn as their arrows. */
  readonly unfolded: readonly string[];
  readonly drawing: RefCallback<SVGSVGElement>;
}

function Drawing({ graph, label, zoom, direction, room, onTurn, drawing, unfolded, ...marks }: DrawingProps) {
  const notes = marks.taken !== undefined || Object.values(marks.states ?? {}).some(({ note }) => note !== undefined);
  const present = findPresent(marks);
  const state = useLayout(graph, { direction, notes, unfolded, ...defined({ present }) });
  const isTooWide = direction === "right" && state.kind === "ready" && state.layout.width * SMALLEST > room;
  useEffect(() => {
    if (isTooWide) onTurn("down");
  }, [isTooWide, onTurn]);
  if (state.kind === "pending" || isTooWide) return <Skeleton height={200} />;
  if (state.kind === "failed") {
    return (
      <>
        <p className="notice">The graph cannot be drawn. The table has the same content.</p>
        <GraphTable graph={graph} label={label} {...marks} />
      </>
    );
  }
  return (
    <GraphDrawing graph={state.graph} layout={state.layout} label={label} zoom={zoom} drawing={drawing} {...marks} />
  );
}
