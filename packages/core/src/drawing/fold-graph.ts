import type { DrawnEdge, DrawnGraph } from "./drawn-graph.ts";

/** One line of a drawing: all arrows from one state to another. */
export interface Line {
  /** A node, or a stub. */
  readonly from: string;
  readonly to: string;
  /** Indexes of the graph's edges, in their order. Empty for the line of a stub. */
  readonly edges: readonly number[];
}

/** An event that many states handle alike. It is drawn once, at the state that it leads to. */
export interface Stub {
  /** Contains a colon, so that it is not the name of a state. */
  readonly id: string;
  readonly to: string;
  /** Such as `DELETED from 6 states`. */
  readonly text: string;
  /** Indexes of the graph's edges. */
  readonly edges: readonly number[];
}

/** The stubs that are drawn as their single arrows, by id; `all`: none is drawn as a stub. */
export type Unfolded = readonly string[] | "all";

/** An event that as many states handle alike is drawn once. */
const COMMON = 4;

/** Returns what is drawn of a graph's arrows: one line per pair of states, and a stub per event that many states share. */
export function foldGraph({ nodes, edges }: DrawnGraph, unfolded: Unfolded = []) {
  const known = new Set(nodes.map(({ id }) => id));
  const drawn = [...edges.entries()].filter(([, { from, to }]) => known.has(from) && known.has(to));
  const stubs = unfolded === "all" ? [] : findStubs(drawn).filter(({ id }) => !unfolded.includes(id));
  const folded = new Set(stubs.flatMap((stub) => stub.edges));
  const pairs = Map.groupBy(
    drawn.filter(([index]) => !folded.has(index)),
    ([, { from, to }]) => JSON.stringify([from, to]),
  );
  const lines = [...pairs.values()].flatMap((group): readonly Line[] => {
    const [first] = group;
    return first === undefined ? [] : [{ from: first[1].from, to: first[1].to, edges: group.map(([index]) => index) }];
  });
  return { lines: [...lines, ...stubs.map(({ id, to }): Line => ({ from: id, to, edges: [] }))], stubs };
}

function findStubs(drawn: readonly (readonly [number, DrawnEdge])[]): readonly Stub[] {
  const shared = Map.groupBy(
    drawn.filter(([, { event }]) => event !== undefined),
    ([, { event = "", to, when }]) => `stub:${JSON.stringify([event, toCondition(when), to])}`,
  );
  return [...shared].flatMap(([id, group]) => {
    const [first] = group;
    const count = new Set(group.map(([, { from }]) => from)).size;
    if (first === undefined || count < COMMON) return [];
    const [, { event = "", to, when }] = first;
    const text = `${event}${toCondition(when)} from ${count} states`;
    return [{ id, to, text, edges: group.map(([index]) => index) }];
  });
}

/** Returns that an arrow has a condition; the table contains the condition itself. */
export function toCondition(when: string | undefined): string {
  return when === undefined ? "" : when === "else" ? " else" : " if";
}
