import { defined } from "@stackyard/core";
import type { Direction, GraphLayout, LayoutOptions } from "@stackyard/core/drawing";
import type { MachineGraph } from "@stackyard/sdk";
import { useEffect, useState } from "react";
import { SMALLEST } from "../graph/graph-drawing.tsx";
import { type LayoutState, useLayout } from "../graph/use-layout.ts";
import { isPhone } from "./phone.ts";

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** What a graph is seen through: its zoom and the place of its upper left corner in the pane. */
export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

/** Left free around a graph, in pixels. Its tools are below. */
const ROOM = { x: 16, top: 16, bottom: 56 } as const;

/** The width of the tools, with what is free around them: a graph that reaches down to them stands beside them. */
const TOOLS = 216;

function toRoom({ width, height }: Size): Size {
  return { width: width - 2 * ROOM.x, height: height - ROOM.top - ROOM.bottom };
}

/** Returns the zoom at which a whole graph fits a pane, at most its own size. Its text may be too small to read. */
export function toFittingZoom(graph: Size, pane: Size): number {
  const room = toRoom(pane);
  return Math.min(1, room.width / graph.width, room.height / graph.height);
}

/**
 * Returns what of a graph a pane shows first: all of it. Of one whose text would be smaller than 12 px, the part around a
 * state.
 */
export function toViewport(layout: GraphLayout, pane: Size, around: string | undefined): Viewport {
  const room = toRoom(pane);
  const zoom = Math.max(SMALLEST, toFittingZoom(layout, pane));
  const at = layout.nodes.find(({ id }) => id === around) ?? layout.nodes[0];
  const along = (length: number, space: number, start: number, point: number) => {
    const rest = space - length * zoom;
    if (rest >= 0) return start + rest / 2;
    return Math.min(start, Math.max(start + rest, start + space / 2 - point * zoom));
  };
  const rest = room.width - layout.width * zoom;
  const beside =
    layout.height * zoom > room.height && rest >= 0 ? Math.min(TOOLS, ROOM.x + rest) : Number.NEGATIVE_INFINITY;
  return {
    x: Math.max(beside, along(layout.width, room.width, ROOM.x, at?.x ?? 0)),
    y: along(layout.height, room.height, ROOM.top, at?.y ?? 0),
    zoom,
  };
}

interface FittingInput extends Pick<LayoutOptions, "notes" | "unfolded"> {
  /** The direction that a person has chosen. */
  readonly turned: Direction | undefined;
  readonly pane: Size;
  /** A person has chosen what is in view: nothing is turned. */
  readonly stays: boolean;
}

/** Returns the layout of a graph in the direction in which its text can be read, if there is one. */
export function useFittingLayout(
  graph: MachineGraph,
  { turned, pane, stays, notes, unfolded }: FittingInput,
): LayoutState {
  const [own, setOwn] = useState<Direction>(isPhone() ? "down" : "right");
  const direction = turned ?? own;
  const options = defined({ notes, unfolded });
  const first = useLayout(graph, { direction, ...options });
  const isTight =
    turned === undefined && !stays && first.kind === "ready" && toFittingZoom(first.layout, pane) < SMALLEST;
  const opposite = direction === "down" ? "right" : "down";
  const other = useLayout(isTight ? graph : undefined, { direction: opposite, ...options });
  const isBetter =
    isTight &&
    other.kind === "ready" &&
    other.direction === opposite &&
    toFittingZoom(other.layout, pane) > toFittingZoom(first.layout, pane);
  useEffect(() => {
    if (isBetter) setOwn(opposite);
  }, [isBetter, opposite]);
  const [isDecided, setDecided] = useState(false);
  const isWaiting = isTight && (other.kind === "pending" || isBetter);
  useEffect(() => {
    if (first.kind === "ready" && !isWaiting) setDecided(true);
  }, [first, isWaiting]);
  // What is shown first does not turn before one's eyes.
  return isWaiting && !isDecided ? { kind: "pending" } : first;
}
