import type { MachineGraph, StackDetails } from "@stackyard/sdk";

/** What can happen to a stack next: a timer that sends an event by itself, or an event that somebody sends. */
export interface NextMove {
  readonly id: string;
  readonly event: string;
  /** The task whose timer it is. */
  readonly task?: string;
  /** The states that it can lead to, in the order of the machine; none where that is not known, or it stays. */
  readonly to: readonly string[];
  /** When it is sent by itself. */
  readonly dueAt?: string;
}

interface NextInput {
  readonly stack: Pick<StackDetails, "state" | "timers">;
  /** Its machine; undefined until it is loaded: then it is not known what leads where. */
  readonly graph: Pick<MachineGraph, "edges"> | undefined;
  /** Also events that lead out of the state: of one at rest, which waits for them alone. */
  readonly events: boolean;
}

/** Returns what can happen to a stack next: its timers, the first one first, then the events that lead out of its state. */
export function listNextMoves({ stack: { state, timers }, graph, events }: NextInput): readonly NextMove[] {
  const ways = graph === undefined ? [] : graph.edges.filter(({ from }) => from === state);
  const targetsOf = (event: string) => [
    ...new Set(ways.flatMap(({ to, event: own }) => (own === event && to !== state ? [to] : []))),
  ];
  const timed = timers
    .toSorted((a, b) => Date.parse(a.dueAt) - Date.parse(b.dueAt))
    .map(({ id, event, task, dueAt }) => ({
      id,
      event,
      dueAt,
      to: targetsOf(event),
      ...(task !== undefined && { task }),
    }));
  if (!events) return timed;
  const known = new Set(timed.map(({ event }) => event));
  const names = new Set(ways.flatMap(({ event }) => (event === undefined ? [] : [event])));
  const sent = [...names].filter((event) => !known.has(event));
  return [...timed, ...sent.map((event) => ({ id: `event ${event}`, event, to: targetsOf(event) }))];
}
