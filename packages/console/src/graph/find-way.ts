/** The part of a machine's graph that is read. */
export interface Ways {
  readonly nodes: readonly { readonly id: string; readonly terminal?: boolean }[];
  readonly edges: readonly { readonly from: string; readonly to: string; readonly event?: string }[];
}

interface Way {
  readonly from: string;
  /** The state that was entered, or undefined if the stack was removed. */
  readonly to: string | undefined;
  /** In the order in which they are preferred where two arrows lead to the same state. */
  readonly events: readonly string[];
}

const MAX_WAY = 4;

/** Returns the shortest way over arrows of these events, as indexes of the graph's edges. */
export function findWay({ edges, nodes }: Ways, { from, to, events }: Way): readonly number[] {
  const isThere = (state: string) =>
    to === undefined ? nodes.some(({ id, terminal }) => id === state && terminal === true) : state === to;
  let ways: readonly { readonly at: string; readonly taken: readonly number[] }[] = [{ at: from, taken: [] }];
  for (let length = 0; length < MAX_WAY; length += 1) {
    ways = ways.flatMap(({ at, taken }) =>
      events.flatMap((event) =>
        edges.flatMap((edge, index) =>
          edge.from === at && edge.event === event ? [{ at: edge.to, taken: [...taken, index] }] : [],
        ),
      ),
    );
    const found = ways.find(({ at }) => isThere(at));
    if (found !== undefined) return found.taken;
  }
  return [];
}
