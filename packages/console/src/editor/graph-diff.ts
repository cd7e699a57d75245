import type { MachineGraph } from "@stackyard/sdk";
import type { Outline, OutlineState } from "../machine/outline.ts";

/** Words of the marks at what differs. */
export const CHANGE_WORDS = { "+": "added", "−": "removed", "~": "changed" } as const;

/** A mark at what differs from one text to another. */
export type ChangeMark = keyof typeof CHANGE_WORDS;

/** The change of a state from one text to another. */
export interface StateChange {
  readonly name: string;
  readonly change: ChangeMark;
  /** The name before, of a state with an equal body. */
  readonly before?: string;
}

/** Returns the states that differ. A removed and an added state with equal bodies are one that was renamed. */
export function compareStates(before: Outline, after: Outline): readonly StateChange[] {
  const old = new Map(before.states.map((state) => [state.name, state]));
  const now = new Map(after.states.map((state) => [state.name, state]));
  const removed = before.states.filter(({ name }) => !now.has(name));
  const renamed = new Map<string, string>();
  for (const state of after.states.filter(({ name }) => !old.has(name))) {
    const match = removed.find(
      (each) => ![...renamed.values()].includes(each.name) && toBody(each) === toBody(state, state.name, each.name),
    );
    if (match !== undefined) renamed.set(state.name, match.name);
  }
  const gone = removed.filter(({ name }) => ![...renamed.values()].includes(name));
  return [
    ...after.states.flatMap((state): StateChange[] => {
      const own = old.get(state.name);
      if (own !== undefined) return toBody(own) === toBody(state) ? [] : [{ name: state.name, change: "~" }];
      const from = renamed.get(state.name);
      return from === undefined
        ? [{ name: state.name, change: "+" }]
        : [{ name: state.name, change: "~", before: from }];
    }),
    ...gone.map(({ name }): StateChange => ({ name, change: "−" })),
  ];
}

/**
 * Returns a state's behavior for comparison; replaces its own name `own`, to which a reaction may lead back, by `as`.
 */
function toBody({ tasks, timers, reactions, keys }: OutlineState, own = "", as = ""): string {
  const ways = reactions.map(({ event, when, target, set, raise }) => [
    event,
    when,
    target === own && own !== "" ? as : target,
    set,
    raise,
  ]);
  return JSON.stringify([tasks, timers, ways, keys]);
}

/** A graph of two texts: what is new or unchanged as it is now, what is gone as it was. */
export interface GraphDiff {
  readonly graph: MachineGraph;
  readonly states: ReadonlyMap<string, ChangeMark>;
  /** The changes of arrows, by their indexes. */
  readonly edges: ReadonlyMap<number, ChangeMark>;
}

type GraphEdge = MachineGraph["edges"][number];

/** Returns a graph with the states and arrows of both, and which of them differ. */
export function compareGraphs(before: MachineGraph, after: MachineGraph, changes: readonly StateChange[]): GraphDiff {
  const renamed = new Map(changes.flatMap(({ name, before: old }) => (old === undefined ? [] : [[old, name]])));
  const nameNow = (old: string) => renamed.get(old) ?? old;
  const known = new Set(after.nodes.map(({ id }) => id));
  const left = before.edges.map((edge) => ({ ...edge, from: nameNow(edge.from), to: nameNow(edge.to) }));
  const takeOld = (isSame: (old: GraphEdge) => boolean): boolean => {
    const index = left.findIndex(isSame);
    if (index !== -1) left.splice(index, 1);
    return index !== -1;
  };
  const edges = new Map<number, ChangeMark>();
  // Arrows that are equal in everything first: another one of the same way must not take their place.
  const others = after.edges.flatMap((edge, index) => (takeOld((old) => isEqual(old, edge)) ? [] : [{ edge, index }]));
  for (const { edge, index } of others) edges.set(index, takeOld((old) => isSameWay(old, edge)) ? "~" : "+");
  for (const index of left.keys()) edges.set(after.edges.length + index, "−");
  return {
    graph: {
      ...after,
      nodes: [...after.nodes, ...before.nodes.filter(({ id }) => !known.has(nameNow(id)))],
      edges: [...after.edges, ...left],
    },
    states: new Map(changes.map(({ name, change }) => [name, change])),
    edges,
  };
}

function isSameWay(a: GraphEdge, b: GraphEdge): boolean {
  return a.from === b.from && a.to === b.to && a.event === b.event;
}

function isEqual(a: GraphEdge, b: GraphEdge): boolean {
  return isSameWay(a, b) && a.when === b.when && a.after === b.after && a.passing === b.passing;
}
