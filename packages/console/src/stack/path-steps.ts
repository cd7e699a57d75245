import type { HistoryEntry, MachineGraph } from "@stackyard/sdk";
import { formatDuration } from "../text/durations.ts";

/** A state that a stack has left, is in, or can reach next. */
export interface PathStep {
  readonly kind: "left" | "now" | "next";
  readonly state: string;
  /** The time that it was in it, or the event that leads there. */
  readonly note: string;
}

/** States that are shown before the present one. */
const MOST_LEFT = 4;

interface PathInput {
  readonly graph: Pick<MachineGraph, "nodes" | "edges">;
  readonly state: string;
  /** Newest first. */
  readonly entries: readonly Pick<HistoryEntry, "outcome" | "from" | "to" | "at">[];
}

/** Returns the way of a stack through its machine, oldest state first: the last ones it left, the present one, and those that may follow. */
export function toPath({ graph, state, entries }: PathInput): readonly PathStep[] {
  return [...toLeft(entries), { kind: "now", state, note: "" }, ...toNext(graph, state)];
}

function toLeft(entries: PathInput["entries"]): readonly PathStep[] {
  const moves = entries.filter(({ outcome, from, to }) => outcome === "applied" && to !== undefined && from !== to);
  return moves
    .slice(0, MOST_LEFT)
    .flatMap(({ from, at }, index): PathStep[] => {
      const entered = moves[index + 1];
      if (from === undefined || entered?.to !== from) return [];
      return [{ kind: "left", state: from, note: `for ${formatDuration(Date.parse(at) - Date.parse(entered.at))}` }];
    })
    .toReversed();
}

function toNext({ nodes, edges }: PathInput["graph"], state: string): readonly PathStep[] {
  const states = new Set(nodes.flatMap(({ kind, id }) => (kind === "state" ? [id] : [])));
  const ways = edges.filter(({ from, to }) => from === state && to !== state && states.has(to));
  return [...Map.groupBy(ways, ({ to }) => to)].map(([to, own]) => ({
    kind: "next",
    state: to,
    note: [...new Set(own.map(toWord))].join(", "),
  }));
}

/** The event of the machine by which all tasks have succeeded. */
const ALL_DONE = "NEXT";

function toWord({ event, after }: MachineGraph["edges"][number]): string {
  const name = event === ALL_DONE ? `${ALL_DONE}, when all tasks have succeeded` : (event ?? "");
  return after === undefined ? `with ${name}` : `${name} after ${after}`.trim();
}
