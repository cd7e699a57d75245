import {
  createSimulation,
  formatDuration,
  type Graph,
  type Machine,
  parseDuration,
  parseMachine,
  type SimulationLine,
  toGraph,
} from "@stackyard/core/machine";
import { findWay } from "../graph/find-way.ts";
import { countStates } from "../graph/taken.ts";
import type { MachineText, NextTimer, Simulated, Tasks } from "./messages.ts";
import { listNextSteps, type Tried } from "./next-steps.ts";
import { toOutline } from "./outline.ts";

const START = Date.UTC(2030, 0, 1);
/** Later steps of a scenario are not played. */
export const MAX_STEPS = 500;
const HORIZONS = ["1h", "1d", "30d", "400d"];
/** Further timers of a state are not looked for. */
const MAX_TIMERS = 5;

/** Plays a scenario from its beginning: the steps of `stackyard simulate --steps`. */
export function simulate({ machines, revisions, steps }: Tasks["simulate"]["in"]): Simulated {
  const parsed = new Map(machines.map((text) => [text.name, parse(text)]));
  const loaded = new Map(revisions.map((each) => [each.file, { name: each.name, machine: parse(each) }]));
  const play = (played: readonly unknown[]): readonly SimulationLine[] => {
    const kept = [...loaded.values()].flatMap(({ machine }) => machine ?? []);
    const simulation = createSimulation(parsed, { revisions: loaded, kept });
    return played.map((step) => simulation.step(step));
  };
  const played = steps.slice(0, MAX_STEPS);
  const lines = play(played);
  const times = listTimes(played);
  const now = times.at(-1) ?? START;
  const [first] = parsed.values();
  const graph = first && toGraph(first);
  const known = graph ?? { nodes: [], edges: [] };
  const taken = countTaken(known, played, lines);
  const [text] = machines;
  const can = listNextSteps({
    machine: text?.name ?? "",
    graph: known,
    stack: lines.at(-1)?.stack ?? undefined,
    sent: listSent(lines),
    required: new Map(toOutline(text?.text ?? "")?.events.map(({ name, metadata }) => [name, metadata])),
    tryOut: (further) => tryOut([...played, ...further], played.length, { graph: known, play }),
  });
  return {
    lines,
    now: toText(now),
    start: toText(findStart(played)),
    times: times.map(toText),
    timers: listTimers(played, play),
    can,
    ...taken,
    tried: taken.edges.filter((count) => count > 0).length,
    total: graph?.edges.filter(({ event }) => event !== undefined).length ?? 0,
  };
}

type Play = (steps: readonly unknown[]) => readonly SimulationLine[];

/** Returns the tasks of the last stack whose messages were sent; all of a stack that a scenario begins with. */
function listSent(lines: readonly SimulationLine[]): ReadonlySet<string> {
  const stack = lines.at(-1)?.stack;
  const own = lines.filter((line) => line.stack?.id === stack?.id);
  const isFirst = own[0]?.step === 1 && own[0].dispatched.length === 0;
  const known = isFirst ? (own[0]?.stack?.tasks ?? []).map(({ name }) => name) : [];
  return new Set([...known, ...own.flatMap(({ dispatched }) => dispatched)]);
}

/** Plays steps, and returns what those from an index on did. */
function tryOut(
  steps: readonly unknown[],
  from: number,
  { graph, play }: { readonly graph: Graph; readonly play: Play },
): Tried {
  const lines = play(steps);
  const edges = listWays(graph, steps, lines).slice(from).flat();
  return { edges: [...new Set(edges)], line: lines.length > from ? lines.at(-1) : undefined };
}

/** Lists the timers that fire while the stack of the last step stays in its state. */
function listTimers(steps: readonly unknown[], play: Play): readonly NextTimer[] {
  const stateAfter = (further: readonly unknown[]) => play([...steps, ...further]).at(-1)?.stack?.state;
  const [state, now] = [stateAfter([]), listTimes(steps).at(-1) ?? START];
  const timers: NextTimer[] = [];
  let passed: readonly unknown[] = [];
  while (timers.length < MAX_TIMERS && state !== undefined && stateAfter(passed) === state) {
    const next = findNext([...steps, ...passed], play);
    if (next === undefined) break;
    passed = [...passed, next.step];
    const ms = Date.parse(next.at) - now;
    timers.push({ ...next, step: { advance: formatDuration(Math.max(1, ms)) } });
  }
  // Further attempts of a task are only of interest once the next one has come.
  return timers.filter(({ event }, index) => index === 0 || !event.startsWith("TASK_"));
}

function toText(ms: number): string {
  return new Date(ms).toISOString();
}

function parse({ name, text }: MachineText): Machine | undefined {
  return parseMachine(text, { name, kept: true }).machine;
}

function fieldOf(step: unknown, key: string): unknown {
  return typeof step === "object" && step !== null ? (step as Readonly<Record<string, unknown>>)[key] : undefined;
}

/** Returns the time of the clock before the first step: that of the stack that a scenario begins with. */
function findStart([first]: readonly unknown[]): number {
  const instant = Date.parse(String(fieldOf(fieldOf(first, "stack"), "now")));
  return Number.isNaN(instant) ? START : instant;
}

/** Returns the time of the clock after each step, in milliseconds since 1970. */
function listTimes(steps: readonly unknown[]): readonly number[] {
  let now = START;
  return steps.map((step, index) => {
    const [advance, stack] = [fieldOf(step, "advance"), fieldOf(step, "stack")];
    if (typeof advance === "string") now += parseDuration(advance) ?? 0;
    const instant = Date.parse(String(fieldOf(stack, "now")));
    if (!Number.isNaN(instant)) now = index === 0 ? instant : Math.max(instant, now);
    return now;
  });
}

/** Lets time pass in a copy of the scenario until something fires. */
function findNext(steps: readonly unknown[], play: Play): NextTimer | undefined {
  if (steps.length === 0) return undefined;
  const now = listTimes(steps).at(-1) ?? START;
  for (const advance of HORIZONS) {
    const [fired] = play([...steps, { advance }]).at(-1)?.fired ?? [];
    if (fired === undefined) continue;
    const ms = Math.max(1, Date.parse(fired.at) - now);
    return { event: fired.event, at: fired.at, step: { advance: formatDuration(ms) } };
  }
  return undefined;
}

/** Counts the arrows that the steps took and the states that the stack was in, as far as states and events show them. */
function countTaken(
  graph: Graph,
  steps: readonly unknown[],
  lines: readonly SimulationLine[],
): Pick<Simulated, "edges" | "states"> {
  const ways = listWays(graph, steps, lines).flat();
  return {
    edges: graph.edges.map((_, index) => ways.filter((taken) => taken === index).length),
    states: Object.fromEntries(countStates(graph, ways)),
  };
}

/** Returns the arrows that each step took. */
function listWays(graph: Graph, steps: readonly unknown[], lines: readonly SimulationLine[]) {
  const states = new Map<string, string>();
  let subject = "";
  return lines.map((line, index): readonly number[] => {
    const { stack, outcome } = line;
    subject = findSubject(steps[index], line) ?? subject;
    const from = states.get(subject) ?? "INIT";
    if (stack === null) states.delete(subject);
    else states.set(subject, stack.state);
    if (outcome !== "applied" && outcome !== "removed") return [];
    return findWay(graph, { from, to: stack?.state, events: listEvents(steps[index], line) });
  });
}

/** Returns the stack of a step; undefined if it is that of the previous step. */
function findSubject(step: unknown, { stack }: SimulationLine): string | undefined {
  const named = fieldOf(fieldOf(step, "event"), "stackId") ?? fieldOf(step, "stackId");
  return stack?.id ?? (typeof named === "string" ? named : undefined);
}

function listEvents(step: unknown, { fired = [] }: SimulationLine): readonly string[] {
  const message = fieldOf(step, "event");
  const sent = fieldOf(message, "event") ?? fieldOf(message, "action");
  return [...(typeof sent === "string" ? [sent] : []), ...fired.map(({ event }) => event), "NEXT", "FAILED"];
}
