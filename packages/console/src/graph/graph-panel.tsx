import type { Direction } from "@stackyard/core/drawing";
import type { MachineGraph } from "@stackyard/sdk";
import { type RefCallback, useEffect, useRef, useState } from "react";
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
  useEffect(() => setDirection((place.current?.clientWidth ?? 0) < NARROW_PX ? "down" : "right"), []);
  const shown = view === "graph";
  return (
    <Panel
      title="Graph"
      actions={
        <>
          {shown && (
            <>
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
            onTooWide={() => setDirection("down")}
            drawing={setDrawing}
            {...marks}
          />
        )}
        {!shown && <GraphTable graph={graph} label={label} {...marks} />}
      </div>
    </Panel>
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
  readonly onTooWide: () => void;
  readonly drawing: RefCallback<SVGSVGElement>;
}

function Drawing({ graph, label, zoom, direction, room, onTooWide, drawing, ...marks }: DrawingProps) {
  const state = useLayout(graph, { direction, notes: marks.taken !== undefined });
  const isTooWide = direction === "right" && state.kind === "ready" && state.layout.width * SMALLEST > room;
  // biome-ignore lint/correctness/useExhaustiveDependencies: told once
  useEffect(() => {
    if (isTooWide) onTooWide();
  }, [isTooWide]);
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
