import type { DecidedEvent } from "../aggregate/apply-inputs.ts";
import { type LifeEvent, type ReplayedEvent, replayLife, toReplayed } from "../aggregate/replay-life.ts";
import type { StackInput } from "../aggregate/stack-input.ts";
import { DEFAULT_LIMITS, toInstant } from "../machine/decide/work.ts";
import { parseEventMessage, SYSTEM_EVENTS, toEventKey } from "../machine/event-message.ts";
import type { Machine } from "../machine/machine.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import { advanceClock } from "./advance-clock.ts";
import { readStep, type SimulationStep } from "./read-step.ts";
import { createSimulatedYard, decideInput, MAX_FIRED, type SimulatedYard, workInput } from "./simulated-yard.ts";
import {
  type SimulationLine,
  type StepDifference,
  toOutcome,
  toRefusal,
  toRetried,
  toTouchedParts,
} from "./simulation-line.ts";

/** The instant at which a simulation's clock stands where none is given: 2030-01-01T00:00:00Z. */
export const SIMULATION_START = Date.UTC(2030, 0, 1);

/** A yard of stacks in memory on which events are tried. */
export interface Simulation {
  /**
   * Works one step in. Never throws. A step is one of
   * - `{"event": <event message>}`;
   * - a worker's answer by name, `{"task", "result": "succeeded", "failed" or "cancelled", "stackId"?, "message"?, "code"?,
   *   "retryable"?, "outputs"?, "metadata"?}`; without `stackId` it goes to the stack of the step before;
   * - `{"advance": "15m", "stackId"?}`: time passes, and every timer on the way fires (10,000 in all);
   * - `{"load": FILE}`: a new revision of a machine, one of the options' `revisions`;
   * - `{"upgrade": STACK, "dryRun"?}`: moves a stack to the newest revision, or tells where its events would differ there.
   */
  step(step: unknown): SimulationLine;
}

/** What may differ from one simulation to the next. */
export interface SimulationOptions {
  /** Where the clock stands, epoch milliseconds. Default `SIMULATION_START`. */
  readonly now?: number;
  /** What `load` steps name: machines by the text of the step. */
  readonly revisions?: ReadonlyMap<string, LoadedRevision>;
}

/** A machine's document as it was read from a file. */
export interface LoadedRevision {
  readonly name: string;
  /** Undefined when the document has errors. */
  readonly machine: Machine | undefined;
}

/**
 * An empty yard with these machines, on which the function of the engine (`applyInputs`) decides. A name with the value
 * undefined is that of a document with errors. An event that the present state refuses is parked and decided again, as in
 * the engine; the line of the step that settles it says so in `retried`.
 */
export function createSimulation(
  machines: ReadonlyMap<string, Machine | undefined>,
  { now = SIMULATION_START, revisions = new Map() }: SimulationOptions = {},
): Simulation {
  const yard = createSimulatedYard(machines, now);
  const state: State = { yard, revisions, lives: new Map(), steps: 0, subject: undefined, retried: [] };
  return { step: (step) => workStep(state, step) };
}

interface State {
  readonly yard: SimulatedYard;
  readonly revisions: ReadonlyMap<string, LoadedRevision>;
  /** The decisions of each stack's present life. */
  readonly lives: Map<string, SimulatedEvent[]>;
  steps: number;
  subject: string | undefined;
  /** Parked events that the step has applied or given up. */
  retried: DecidedEvent[];
}

interface SimulatedEvent extends LifeEvent {
  readonly step: number;
}

type Answer = Pick<SimulationLine, "outcome" | "code" | "reason" | "fired" | "differences">;

function workStep(state: State, input: unknown): SimulationLine {
  state.steps += 1;
  state.yard.touched = new Map();
  state.retried = [];
  const answer = work(state, readStep(input, state.subject));
  const { retried } = state;
  return {
    step: state.steps,
    ...answer,
    ...toTouchedParts(state.yard, state.subject),
    ...(retried.length === 0 ? {} : { retried: retried.map(toRetried) }),
  };
}

function work(state: State, step: SimulationStep): Answer {
  switch (step.kind) {
    case "event":
      return workMessage(state, step);
    case "advance":
      return advance(state, step);
    case "load":
      return load(state, step.file);
    case "upgrade":
      return upgrade(state, step);
    case "none":
      return toRefusal({ code: "EVENT_INVALID", reason: step.reason });
  }
}

function workMessage(state: State, { body, origin }: Extract<SimulationStep, { kind: "event" }>): Answer {
  const { yard, steps } = state;
  const parsed = parseEventMessage(body, { messageId: `simulated-step-${steps}`, at: yard.now, origin });
  const stackId = parsed.kind === "event" ? parsed.event.stackId : parsed.stackId;
  state.subject = stackId ?? state.subject;
  if (parsed.kind === "invalid") return toRefusal(parsed);
  const { id, message = {} } = parsed.event;
  const from = origin === "external" ? origin : "worker";
  const queued: QueuedEvent = { id, stackId: parsed.event.stackId, origin: from, receivedAt: yard.now, message };
  if (yard.parked.get(queued.stackId)?.has(toEventKey(queued))) {
    return { outcome: "ignored", code: "DUPLICATE", reason: `Event ${id} is parked.` };
  }
  return workQueued(state, queued);
}

function workQueued(state: State, event: QueuedEvent): Answer {
  const { stackId } = event;
  const [own] = workAndKeep(state, { kind: "delivery", stackId, delivery: { event, deliveries: 1 } });
  return own === undefined ? { outcome: "ignored" } : toOutcome(own.decision);
}

function workAndKeep(state: State, input: StackInput): readonly DecidedEvent[] {
  const { yard, lives, steps } = state;
  const parked = new Set(yard.parked.get(input.stackId)?.keys());
  const decided = workInput(yard, input);
  for (const each of decided) {
    const { event, decision, outcome, isBegin, stack } = each;
    if (outcome === "parked-again") continue;
    if (parked.has(toEventKey(event))) state.retried.push(each);
    const life = isBegin && outcome === "applied" ? [] : (lives.get(event.stackId) ?? []);
    life.push({ step: steps, event, did: toReplayed(decision, stack) });
    lives.set(event.stackId, life);
  }
  return decided;
}

function advance(state: State, { byMs, stackId }: Extract<SimulationStep, { kind: "advance" }>): Answer {
  const { yard } = state;
  state.subject = stackId ?? state.subject;
  const wasThere = state.subject !== undefined && yard.stacks.has(state.subject);
  const { fired, isThere } = advanceClock(yard, toInstant(yard.now + byMs), (input) => workAndKeep(state, input));
  const isGone = wasThere && !yard.stacks.has(state.subject ?? "");
  const outcome = isGone ? "removed" : fired.length > 0 ? "applied" : "ignored";
  if (isThere) return { outcome, fired };
  const at = new Date(yard.now).toISOString();
  const reason = `A simulation fires at most ${MAX_FIRED} timers; the clock stands at ${at}, and more are due.`;
  return { outcome, code: "LOOP_LIMIT", reason, fired };
}

function load(state: State, file: string): Answer {
  const { yard, revisions } = state;
  const revision = revisions.get(file);
  if (revision === undefined) {
    return toRefusal({ code: "MACHINE_UNKNOWN", reason: `There is no machine ${JSON.stringify(file)} to load.` });
  }
  const { name, machine } = revision;
  yard.machines.set(name, machine);
  if (machine === undefined) {
    return toRefusal({ code: "MACHINE_INVALID", reason: `The machine ${JSON.stringify(file)} has errors.` });
  }
  yard.revisions.set(machine.hash, machine);
  // What an earlier revision refused is decided again, as the engine does when it sees a new one.
  for (const stackId of new Set([...yard.parked.keys(), ...yard.stacks.keys()])) {
    workAndKeep(state, { kind: "revised", stackId });
  }
  return { outcome: "applied" };
}

function upgrade(state: State, { stackId, dryRun }: Extract<SimulationStep, { kind: "upgrade" }>): Answer {
  const { yard, steps } = state;
  state.subject = stackId;
  const message = { event: SYSTEM_EVENTS.upgradeStack, stackId };
  const event = { id: `simulated-step-${steps}`, stackId, origin: "external", receivedAt: yard.now, message } as const;
  if (!dryRun) return workQueued(state, event);
  const [own] = decideInput(yard, { kind: "delivery", stackId, delivery: { event, deliveries: 1 } }).decided;
  if (own === undefined || own.decision.kind !== "applied")
    return own ? toOutcome(own.decision) : { outcome: "ignored" };
  const machine = yard.machines.get(own.decision.stack.machine);
  return { outcome: "applied", differences: machine === undefined ? [] : compareLife(state, stackId, machine) };
}

/** Where the events of a stack's life would have done something else on a machine. */
function compareLife({ lives }: State, stackId: string, machine: Machine): readonly StepDifference[] {
  // Moves between revisions are what is being tried; they are no events of the machine.
  const life = lives.get(stackId)?.filter(({ event }) => event.name !== SYSTEM_EVENTS.upgradeStack) ?? [];
  return replayLife({ machine, life, limits: DEFAULT_LIMITS }).differences.flatMap(({ event, place, after }) => {
    const before = place === undefined ? undefined : life[place];
    if (before === undefined) return [];
    return [{ step: before.step, event: event.name, before: toShown(before.did), after: toShown(after) }];
  });
}

function toShown({ sent, ...event }: ReplayedEvent): StepDifference["after"] {
  return { ...event, dispatched: sent };
}
