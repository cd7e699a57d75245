import type { HistoryEntry } from "@stackyard/sdk";
import { toOutcomeStatus } from "../../api/status.ts";
import type { Status } from "../../design/mark.tsx";

/** A line of the history: its index from the oldest on, and when it was. */
export interface Place {
  readonly index: number;
  readonly at: number;
}

/** A time in a lane. Without an end it lasts. */
export interface Bar {
  readonly from: Place;
  readonly to?: Place;
  readonly text: string;
  readonly status: Status;
}

/** A lane of one thing: the state, a task, timers, or events from outside. */
export interface Lane {
  readonly kind: "state" | "task" | "timer" | "event";
  readonly name: string;
  /** In order; those of timers and events have no length. */
  readonly bars: readonly Bar[];
}

const RESULTS: ReadonlyMap<string, Status> = new Map<string, Status>([
  ["TASK_COMPLETED", "succeeded"],
  ["TASK_ERROR", "failed"],
  ["TASK_CANCELLED", "cancelled"],
  ["TASK_TIMED_OUT", "failed"],
]);

interface Builder {
  readonly lanes: Map<string, { readonly kind: Lane["kind"]; readonly name: string; readonly bars: Bar[] }>;
  state: string | undefined;
}

/** Returns the lanes of a history, from its lines, oldest first. */
export function toLanes(entries: readonly HistoryEntry[]): readonly Lane[] {
  const builder: Builder = { lanes: new Map(), state: undefined };
  addLane(builder, "state", "State");
  addLane(builder, "event", "Events");
  for (const [index, entry] of entries.entries()) addEntry(builder, entry, { index, at: Date.parse(entry.at) });
  const lanes = [...builder.lanes.values()].filter(({ bars }) => bars.length > 0);
  const order = ["state", "event", "timer", "task"];
  return lanes.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

function addEntry(builder: Builder, entry: HistoryEntry, place: Place): void {
  const { outcome, timer, internal, from } = entry;
  // A history that begins in the middle begins in a state.
  if (builder.state === undefined && from !== undefined) enterState(builder, from, place);
  if (timer !== undefined) addLane(builder, "timer", "Timers").push(toPoint(entry, place));
  else if (internal !== true) addLane(builder, "event", "Events").push(toPoint(entry, place));
  if (outcome === "applied" || outcome === "removed") endTask(builder, entry, place);
  if (outcome === "applied") applyEntry(builder, entry, place);
  if (outcome === "removed") endAll(builder, place);
}

function endTask(builder: Builder, { event, task }: HistoryEntry, place: Place): void {
  const result = RESULTS.get(event);
  if (task !== undefined && result !== undefined) endBar(addLane(builder, "task", task), place, result);
}

function applyEntry(builder: Builder, { to, sent }: HistoryEntry, place: Place): void {
  if (to !== undefined && to !== builder.state) enterState(builder, to, place);
  for (const name of sent) {
    const bars = addLane(builder, "task", name);
    endBar(bars, place);
    bars.push({ from: place, text: name, status: "running" });
  }
}

function endAll(builder: Builder, place: Place): void {
  for (const { kind, bars } of builder.lanes.values()) if (kind === "state" || kind === "task") endBar(bars, place);
  builder.state = undefined;
}

function enterState(builder: Builder, state: string, place: Place): void {
  const bars = addLane(builder, "state", "State");
  endBar(bars, place);
  bars.push({ from: place, text: state, status: "quiet" });
  builder.state = state;
}

function addLane({ lanes }: Builder, kind: Lane["kind"], name: string): Bar[] {
  const key = `${kind} ${name}`;
  const lane = lanes.get(key) ?? { kind, name, bars: [] };
  lanes.set(key, lane);
  return lane.bars;
}

function endBar(bars: Bar[], to: Place, status?: Status): void {
  const last = bars.at(-1);
  if (last === undefined || last.to !== undefined) return;
  bars[bars.length - 1] = { ...last, to, status: status ?? last.status };
}

function toPoint({ event, outcome }: HistoryEntry, place: Place): Bar {
  return { from: place, to: place, text: event, status: toOutcomeStatus(outcome) };
}

/** The layout of time in a history: by its lines, or to scale. */
export type Scale = "compact" | "timeline";

/** Returns where a place is drawn, from 0 to 1. `end` is now, or the removal. */
export function toShare(place: Place, scale: Scale, entries: readonly HistoryEntry[], end: number): number {
  if (scale === "compact") return place.index / Math.max(1, entries.length);
  const start = Date.parse(entries[0]?.at ?? "");
  const length = end - start;
  return length > 0 ? Math.max(0, Math.min(1, (place.at - start) / length)) : 0;
}
