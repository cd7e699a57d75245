import { type GraphLayout, type LayoutOptions, toLayout } from "@stackyard/core/drawing";
import type { MachineGraph } from "@stackyard/sdk";

/** Lays a graph out without a worker: replaces `load-layout.ts` in a page that is one file. Undefined when that failed. */
export async function loadLayout(graph: MachineGraph, options: LayoutOptions): Promise<GraphLayout | undefined> {
  try {
    return toLayout(graph, options);
  } catch {
    return undefined;
  }
}
