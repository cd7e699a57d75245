import type { Decision } from "../decide/decision.ts";
import { toInstant } from "../decide/timers.ts";
import type { Machine } from "../machine.ts";
import { type StackEvent, SYSTEM_EVENTS } from "../message/event.ts";
import { parseEventMessage } from "../message/parse-event-message.ts";
import { advanceClock } from "./advance-clock.ts";
import { readStep, type SimulationStep } from "./read-step.ts";
import { createReplays, type Replays, toReplayed } from "./replays.ts";
import { createSimulatedYard, decideInYard, MAX_FIRED, type SimulatedYard, workEvent } from "./simulated-yard.ts";
import { type SimulationLine, toOutcome, toRefusal, toTouchedParts } from "./simulation-line.ts";

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
 * An empty yard with these machines, in which the same function decides as in the engine. A name that stands for
 * undefined is that of a document with errors. A refused event is only refused, never tried again.
 */
export function createSimulation(
  machines: ReadonlyMap<string, Machine | undefined>,
  { now = SIMULATION_START, revisions = new Map() }: SimulationOptions = {},
): Simulation {
  const yard = createSimulatedYard(machines, now);
  const state: State = { yard, revisions, replays: createReplays(), steps: 0, subject: undefined };
  return { step: (step) => workStep(state, step) };
}

interface State {
  readonly yard: SimulatedYard;
  readonly revisions: ReadonlyMap<string, LoadedRevision>;
  readonly replays: Replays;
  steps: number;
  subject: string | undefined;
}

type Answer = Pick<SimulationLine, "outcome" | "code" | "reason" | "fired" | "differences">;

function workStep(state: State, input: unknown): SimulationLine {
  state.steps += 1;
  state.yard.touched = new Map();
  const answer = work(state, readStep(input, state.subject));
  return { step: state.steps, ...answer, ...toTouchedParts(state.yard, state.subject) };
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
  return toOutcome(workAndKeep(state, parsed.event));
}

function workAndKeep({ yard, replays, steps }: State, event: StackEvent): Decision {
  const before = yard.stacks.get(event.stackId);
  const decision = workEvent(yard, event);
  const did = toReplayed(decision, yard.stacks.get(event.stackId));
  replays.keep({ step: steps, event, did, isBegin: before === undefined && decision.kind === "applied" });
  return decision;
}

function advance(state: State, { byMs, stackId }: Extract<SimulationStep, { kind: "advance" }>): Answer {
  const { yard } = state;
  state.subject = stackId ?? state.subject;
  const wasThere = state.subject !== undefined && yard.stacks.has(state.subject);
  const { fired, isThere } = advanceClock(yard, toInstant(yard.now + byMs), (event) => workAndKeep(state, event));
  const isGone = wasThere && !yard.stacks.has(state.subject ?? "");
  const outcome = isGone ? "removed" : fired.length > 0 ? "applied" : "ignored";
  if (isThere) return { outcome, fired };
  const at = new Date(yard.now).toISOString();
  const reason = `A simulation fires at most ${MAX_FIRED} timers; the clock stands at ${at}, and more are due.`;
  return { outcome, code: "LOOP_LIMIT", reason, fired };
}

function load({ yard, revisions }: State, file: string): Answer {
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
  return { outcome: "applied" };
}

function upgrade(state: State, { stackId, dryRun }: Extract<SimulationStep, { kind: "upgrade" }>): Answer {
  const { yard, steps, replays } = state;
  state.subject = stackId;
  const id = `simulated-step-${steps}`;
  const event: StackEvent = { id, stackId, name: SYSTEM_EVENTS.upgradeStack, at: yard.now, origin: "external" };
  if (!dryRun) return toOutcome(workAndKeep(state, event));
  const decision = decideInYard(yard, event);
  if (decision.kind !== "applied") return toOutcome(decision);
  const machine = yard.machines.get(decision.stack.machine);
  return { outcome: "applied", differences: machine === undefined ? [] : replays.compare(stackId, machine) };
}
