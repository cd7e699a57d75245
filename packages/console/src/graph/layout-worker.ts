import type { MachineGraph } from "@stackyard/sdk";
import { answerRequests } from "../api/answer-requests.ts";
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

answerRequests(({ id, graph, direction }: LayoutRequest): LayoutAnswer => {
  try {
    return { id, layout: toLayout(graph, direction) };
  } catch {
    return { id };
  }
});
