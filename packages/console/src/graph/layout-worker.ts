import type { MachineGraph } from "@stackyard/sdk";
import { type Direction, type GraphLayout, toLayout } from "./layout.ts";

/** Asks for a layout. */
export interface LayoutRequest {
  readonly id: number;
  readonly graph: MachineGraph;
  readonly direction: Direction;
}

/** The answer to a request; without a layout the graph could not be laid out. */
export interface LayoutAnswer {
  readonly id: number;
  readonly layout?: GraphLayout;
}

const scope = globalThis as unknown as {
  postMessage(answer: LayoutAnswer): void;
  onmessage?: (message: MessageEvent<LayoutRequest>) => void;
};
scope.onmessage = ({ data: { id, graph, direction } }) => {
  try {
    scope.postMessage({ id, layout: toLayout(graph, direction) });
  } catch {
    scope.postMessage({ id });
  }
};
