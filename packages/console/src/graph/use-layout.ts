import { defined } from "@stackyard/core";
import type { Direction, GraphLayout, LayoutOptions } from "@stackyard/core/drawing";
import type { MachineGraph } from "@stackyard/sdk";
import { startTransition, useEffect, useState } from "react";
import { loadLayout } from "./load-layout.ts";

/** A layout that is made, there, or cannot be made. */
export type LayoutState =
  | { readonly kind: "pending" }
  | {
      readonly kind: "ready";
      readonly graph: MachineGraph;
      readonly direction: Direction;
      readonly layout: GraphLayout;
    }
  | { readonly kind: "failed" };

/**
 * Returns the layout of a graph. While a changed one is laid out, the earlier one stays. Without a graph nothing is laid
 * out.
 */
export function useLayout(
  graph: MachineGraph | undefined,
  { direction, notes = false, present, unfolded }: Omit<LayoutOptions, "labelOf">,
): LayoutState {
  const [state, setState] = useState<LayoutState>({ kind: "pending" });
  useEffect(() => {
    if (graph === undefined) return setState({ kind: "pending" });
    const controller = new AbortController();
    void loadLayout(graph, { direction, notes, ...defined({ present, unfolded }) }, controller.signal).then(
      (layout) => {
        if (controller.signal.aborted) return;
        // A large drawing is rendered in parts, between which the page reacts.
        startTransition(() =>
          setState(layout === undefined ? { kind: "failed" } : { kind: "ready", graph, direction, layout }),
        );
      },
    );
    return () => controller.abort();
  }, [graph, direction, notes, present, unfolded]);
  return state;
}
