import { type GraphLayout, type LayoutOptions, toLayout } from "@stackyard/core/drawing";
import type { MachineGraph } from "@stackyard/sdk";
import { answerRequests } from "../api/answer-requests.ts";

/** Asks for a layout. */
export interface LayoutRequest {
  readonly id: number;
  readonly graph: MachineGraph;
  readonly options: LayoutOptions;
}

/** The worker has been loaded, or its answer to a request: without a layout the graph could not be laid out. */
export type LayoutAnswer = { readonly kind: "ready" } | { readonly id: number; readonly layout?: GraphLayout };

answerRequests(({ id, graph, options }: LayoutRequest): LayoutAnswer => {
  try {
    return { id, layout: toLayout(graph, options) };
  } catch {
    return { id };
  }
});
postMessage({ kind: "ready" } satisfies LayoutAnswer);
