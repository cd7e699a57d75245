/** The drawing of a state or a marker. */
export interface DrawnNode {
  readonly kind: "start" | "end" | "state";
  readonly id: string;
  readonly tasks?: readonly string[] | undefined;
}

/** The drawing of an arrow. */
export interface DrawnEdge {
  readonly from: string;
  readonly to: string;
  readonly event?: string | undefined;
  readonly when?: string | undefined;
  readonly after?: string | undefined;
}

/** A graph to be drawn: that of core, or that of the API. */
export interface DrawnGraph {
  readonly nodes: readonly DrawnNode[];
  readonly edges: readonly DrawnEdge[];
}
