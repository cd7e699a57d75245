import type { Line, Stub } from "./fold-graph.ts";

/** Which way a graph grows. */
export type Direction = "right" | "down";

/** A point of a drawing in pixels. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A rectangle with its place; `x` and `y` are its middle. */
export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

/** A node with its place. */
export interface PlacedNode extends Box {
  readonly id: string;
}

/** An event that many states handle alike, with the place of its text. */
export interface PlacedStub extends Stub, Box {}

/** A line with its way. `label` is the box of its texts, of which each arrow has a row; without texts it is empty. */
export interface PlacedLine extends Line {
  readonly points: readonly Point[];
  readonly label: Box;
}

/** Where everything of a graph is drawn. No text touches another one, a state, or a line that is not its own. */
export interface GraphLayout {
  readonly width: number;
  readonly height: number;
  /** In the order of the graph's nodes. */
  readonly nodes: readonly PlacedNode[];
  readonly lines: readonly PlacedLine[];
  readonly stubs: readonly PlacedStub[];
}
