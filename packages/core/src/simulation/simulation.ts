import { SENDER_KINDS, type Sender } from "../access/sender.ts";
import type { DecidedEvent } from "../aggregate/apply-options.ts";
import { findOwnLine } from "../aggregate/plan-inputs.ts";
import {
  type IncarnationEvent,
  type ReplayedEvent,
  replayIncarnation,
  toReplayed,
} from "../aggregate/replay-incarnation.ts";
import type { StackInput } from "../aggregate/stack-input.ts";
import { cutText } from "../machine/cut-text.ts";
import { formatUnknownMachine } from "../machine/decide/decide.ts";
import type { Decision } from "../machine/decide/decision.ts";
import { toInstant } from "../machine/decide/timers.ts";
import { DEFAULT_LIMITS } from "../machine/decide/work.ts";
import { parseDuration } from "../machine/document/duration.ts";
import { type EventOrigin, parseEventMessage, SYSTEM_EVENTS, toEventKey } from "../machine/event-message.ts";
import { defined, isMap } from "../machine/json.ts";
import type { Machine } from "../machine/machine.ts";
import type { Stack } from "../machine/stack.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import { advanceClock, type ClockAdvance } from "./advance-clock.ts";
import { listKeyWaits } from "./key-waits.ts";
import { applyInput, createSimulatedYard, MAX_FIRED, planInput, type SimulatedYard } from "./simulated-yard.ts";
import {
  type FiredTimer,
  type SimulationLine,
  type StepDifference,
  toOutcome,
  toRefusal,
  toRetried,
  toTouchedParts,
} from "./simulation-line.ts";
import { putStack, readSimulationStack, type SimulationStack } from "./stack-step.ts";

/** The default instant of a simulation's clock: 2030-01-01T00:00:00Z. */
export const SIMULATION_START = Date.UTC(2030, 0, 1);

/** A yard of stacks in memory on which events are tried. */
export interface Simulation {
  /**
   * Applies one step. Never throws. A step is one of
   * - `{"stack": <snapshot>}`: a stack as `GET /v1/stacks/{id}/snapshot` returns it; its revision must be loaded;
   * - `{"event": <event message>}`;
   * - a worker's result by name, `{"task", "result": "succeeded", "failed" or "cancelled", "stackId"?, "message"?,
   *   "code"?, "retryable"?, "outputs"?, "metadata"?}`; without `stackId` it is for the stack of the step before;
   * - `{"advance": "15m", "stackId"?}`: time passes, and every timer in between fires (10,000 in all);
   * - `{"load": FILE}`: a new revision of a machine, one of the options' `revisions`;
   * - `{"upgrade": STACK, "dryRun"?}`: moves a stack to the newest revision, or reports where its events would differ
   *   there.
   */
  step(step: unknown): SimulationLine;
}

/** Options of a simulation. */
export interface SimulationOptions {
  /** The instant of the clock, epoch milliseconds. Default `SIMULATION_START`. */
  readonly now?: number;
  /** The machines of `load` steps, by the text of the step. */
  readonly revisions?: ReadonlyMap<string, LoadedRevision>;
  /** Earlier revisions that stacks of `stack` steps may have. */
  readonly kept?: readonly Machine[];
}

/** A machine's document as it was read from a file. */
export interface LoadedRevision {
  readonly name: string;
  /** The machine; undefined when the document has errors. */
  readonly machine: Machine | undefined;
}

/**
 * Creates an empty yard with these machines, on which the function of the engine (`applyInputs`) decides. A name with
 * the value undefined is that of a document with errors. An event that the present state refuses is parked and decided
 * again, as in the engine; the line of the step that settles it lists it in `retried`.
 */
export function createSimulation(
  machines: ReadonlyMap<string, Machine | undefined>,
  { now = SIMULATION_START, revisions = new Map(), kept = [] }: SimulationOptions = {},
): Simulation {
  const yard = createSimulatedYard(machines, now);
  for (const machine of kept) yard.revisions.set(machine.hash, machine);
  const state: State = {
    yard,
    revisions,
    incarnations: new Map(),
    steps: 0,
    subject: undefined,
    retried: [],
    raised: [],
  };
  return { step: (step) => applyStep(state, step) };
}

interface State {
  readonly yard: SimulatedYard;
  readonly revisions: ReadonlyMap<string, LoadedRevision>;
  /** The decisions of each stack's incarnation, since its snapshot where it began with one. */
  readonly incarnations: Map<string, SimulatedIncarnation>;
  steps: number;
  subject: string | undefined;
  /** Parked events that the step has applied or given up. */
  retried: DecidedEvent[];
  /** Events that reactions have raised in the step. */
  raised: DecidedEvent[];
}

interface SimulatedIncarnation {
  readonly start?: Stack | undefined;
  readonly events: SimulatedEvent[];
}

interface SimulatedEvent extends IncarnationEvent {
  readonly step: number;
}

type Answer = Pick<SimulationLine, "outcome" | "code" | "reason" | "fired" | "events" | "differences" | "notes">;

function applyStep(state: State, input: unknown): SimulationLine {
  state.steps += 1;
  state.yard.touched = new Map();
  state.retried = [];
  state.raised = [];
  const step = readStep(input, state.subject);
  const answer = work(state, step);
  const fired = step.kind === "stack" ? [] : firePassed(state);
  const { retried, raised } = state;
  const notes = [...(answer.notes ?? []), ...listKeyWaits(state.yard)];
  return {
    step: state.steps,
    ...answer,
    ...(notes.length > 0 && { notes }),
    ...(fired.length > 0 && { fired: [...(answer.fired ?? []), ...fired] }),
    ...toTouchedParts(state.yard, state.subject),
    ...(retried.length > 0 && { retried: retried.map(toRetried) }),
    ...(raised.length > 0 && { raised: raised.map(toRetried) }),
  };
}

function work(state: State, step: SimulationStep): Answer {
  switch (step.kind) {
    case "event":
      return applyMessage(state, step);
    case "stack":
      return begin(state, step.stack);
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

/** Begins with a stack of a yard. Before anything else has happened, the clock moves to its instant. */
function begin(state: State, given: SimulationStack): Answer {
  const { yard } = state;
  const { id, machine: name, hash } = given;
  state.subject = id;
  if (yard.stacks.has(id)) {
    return toRefusal({
      code: "EVENT_INVALID",
      reason: `The stack ${JSON.stringify(id)} is in the simulation already.`,
    });
  }
  if (!yard.machines.has(name)) {
    return toRefusal({ code: "MACHINE_UNKNOWN", reason: formatUnknownMachine(name, yard.machines.keys()) });
  }
  const machine = hash === undefined ? yard.machines.get(name) : yard.revisions.get(hash);
  if (machine?.name !== name) return toRefusal({ code: "MACHINE_UNKNOWN", reason: explainRevision(name, hash) });
  if (!machine.states.has(given.state)) {
    return toRefusal({ code: "STATE_UNKNOWN", reason: `The revision has no state ${JSON.stringify(given.state)}.` });
  }
  const now = given.now === undefined ? yard.now : Date.parse(given.now);
  yard.now = yard.stacks.size === 0 && yard.parked.size === 0 ? now : Math.max(now, yard.now);
  putStack(yard, given, machine);
  state.incarnations.set(id, { start: yard.stacks.get(id), events: [] });
  return { outcome: "applied" };
}

function explainRevision(name: string, hash: string | undefined): string {
  if (hash === undefined) return `The machine "${name}" has errors.`;
  return `The revision ${hash.slice(0, 12)} of "${name}" is not loaded. Load its document before this step.`;
}

function applyMessage(state: State, { body, origin, sender }: Extract<SimulationStep, { kind: "event" }>): Answer {
  const { yard, steps } = state;
  const parsed = parseEventMessage(body, { messageId: `simulated-step-${steps}`, at: yard.now, origin });
  const stackId = parsed.kind === "event" ? parsed.event.stackId : parsed.stackId;
  state.subject = stackId ?? state.subject;
  if (parsed.kind === "invalid") return toRefusal(parsed);
  const { id, message = {} } = parsed.event;
  const from = origin === "external" || origin === "stack" ? origin : ("worker" as const);
  const receivedAt = yard.now;
  const release = from === "stack" ? { task: "", incarnation: "", createdAt: yard.now } : undefined;
  const queued = defined({ id, stackId: parsed.event.stackId, origin: from, receivedAt, message, sender, release });
  if (yard.parked.get(queued.stackId)?.has(toEventKey(queued))) {
    return { outcome: "ignored", code: "DUPLICATE", reason: `Event ${id} is parked.` };
  }
  return applyQueued(state, queued);
}

function applyQueued(state: State, event: QueuedEvent): Answer {
  const { stackId } = event;
  const [own] = applyAndKeep(state, { kind: "delivery", stackId, delivery: { event, deliveries: 1 } });
  return own === undefined ? { outcome: "ignored" } : toOutcome(own.decision);
}

function applyAndKeep(state: State, input: StackInput): readonly DecidedEvent[] {
  const { yard, incarnations, steps } = state;
  const parked = new Set(yard.parked.get(input.stackId)?.keys());
  const decided = applyInput(yard, input);
  for (const each of decided) {
    const { event, decision, outcome, isBegin, stack } = each;
    if (outcome === "parked-again") continue;
    if (parked.has(toEventKey(event))) state.retried.push(each);
    if (event.raised !== undefined) state.raised.push(each);
    const known = isBegin && outcome === "applied" ? undefined : incarnations.get(event.stackId);
    const incarnation = known ?? { events: [] };
    incarnation.events.push({ step: steps, event, did: toReplayed(decision, stack) });
    incarnations.set(event.stackId, incarnation);
  }
  return decided;
}

function advance(state: State, { byMs, stackId }: Extract<SimulationStep, { kind: "advance" }>): Answer {
  const { yard } = state;
  state.subject = stackId ?? state.subject;
  const wasThere = state.subject !== undefined && yard.stacks.has(state.subject);
  const { fired, isThere } = fireDue(state, toInstant(yard.now + byMs));
  const isGone = wasThere && !yard.stacks.has(state.subject ?? "");
  const outcome = isGone ? "removed" : fired.length > 0 ? "applied" : "ignored";
  if (isThere) return { outcome, fired };
  const at = new Date(yard.now).toISOString();
  const reason = `A simulation fires at most ${MAX_FIRED} timers; the clock is at ${at}, and more are due.`;
  return { outcome, code: "LOOP_LIMIT", reason, fired };
}

function fireDue(state: State, until: number): ClockAdvance {
  return advanceClock(state.yard, until, (input) => applyAndKeep(state, input));
}

/** Fires timers whose instant has passed: they are due at once. All others fire when the clock moves. */
function firePassed(state: State): readonly FiredTimer[] {
  const { stacks, now } = state.yard;
  const isDue = [...stacks.values()].some(({ timers }) =>
    timers.some(({ instant, dueAt }) => instant !== undefined && dueAt <= now),
  );
  return isDue ? fireDue(state, now).fired : [];
}

function load(state: State, file: string): Answer {
  const { yard, revisions } = state;
  const revision = revisions.get(file);
  if (revision === undefined) {
    return toRefusal({ code: "MACHINE_UNKNOWN", reason: `Unknown machine ${JSON.stringify(file)}. Check the path.` });
  }
  const { name, machine } = revision;
  yard.machines.set(name, machine);
  if (machine === undefined) {
    return toRefusal({ code: "MACHINE_INVALID", reason: `The machine ${JSON.stringify(file)} has errors.` });
  }
  yard.revisions.set(machine.hash, machine);
  // Events that an earlier revision refused are decided again, as the engine does with a new one.
  for (const stackId of new Set([...yard.parked.keys(), ...yard.stacks.keys()])) {
    applyAndKeep(state, { kind: "revised", stackId });
  }
  return { outcome: "applied" };
}

function upgrade(state: State, { stackId, dryRun }: Extract<SimulationStep, { kind: "upgrade" }>): Answer {
  const { yard, steps } = state;
  state.subject = stackId;
  const message = { event: SYSTEM_EVENTS.upgradeStack, stackId };
  const event = { id: `simulated-step-${steps}`, stackId, origin: "external", receivedAt: yard.now, message } as const;
  if (!dryRun) return applyUpgrade(state, event);
  const planned = planInput(yard, { kind: "delivery", stackId, delivery: { event, deliveries: 1 } });
  const [own] = planned.events;
  if (own === undefined) return { outcome: "ignored" };
  const { outcome, code, reason } = own;
  if (outcome !== "applied")
    return { outcome: outcome === "ignored" ? outcome : "refused", ...defined({ code, reason }) };
  const machine = yard.machines.get(yard.stacks.get(stackId)?.machine ?? "");
  const differences = machine === undefined ? [] : compareIncarnation(state, stackId, machine);
  const notes = findOwnLine(planned.change, event.id)?.notes ?? [];
  const { follows: events } = planned;
  return { outcome, ...(notes.length > 0 && { notes }), ...(events.length > 0 && { events }), differences };
}

function applyUpgrade(state: State, event: QueuedEvent): Answer {
  const { stackId } = event;
  const [own] = applyAndKeep(state, { kind: "delivery", stackId, delivery: { event, deliveries: 1 } });
  return own === undefined ? { outcome: "ignored" } : { ...toOutcome(own.decision), ...toNotes(own.decision) };
}

function toNotes(decision: Decision): Pick<Answer, "notes"> {
  return decision.kind === "applied" && decision.notes.length > 0 ? { notes: decision.notes } : {};
}

/** Returns the events of a stack's incarnation with another effect on a machine. */
function compareIncarnation({ incarnations }: State, stackId: string, machine: Machine): readonly StepDifference[] {
  // Moves between revisions are what the step tries; they are not events of the machine.
  const { start, events = [] } = incarnations.get(stackId) ?? {};
  const incarnation = events.filter(({ event }) => event.name !== SYSTEM_EVENTS.upgradeStack);
  return replayIncarnation({ machine, start, incarnation, limits: DEFAULT_LIMITS }).differences.flatMap(
    ({ event, place, after }) => {
      const before = place === undefined ? undefined : incarnation[place];
      if (before === undefined) return [];
      return [{ step: before.step, event: event.name, before: toShown(before.did), after: toShown(after) }];
    },
  );
}

function toShown({ sent, ...event }: ReplayedEvent): StepDifference["after"] {
  return { ...event, dispatched: sent };
}

/** A step of a simulation, as it was written. */
type SimulationStep =
  | {
      readonly kind: "event";
      readonly body: unknown;
      readonly origin: EventOrigin;
      readonly sender?: Sender | undefined;
    }
  | { readonly kind: "stack"; readonly stack: SimulationStack }
  | { readonly kind: "advance"; readonly byMs: number; readonly stackId: string | undefined }
  | { readonly kind: "load"; readonly file: string }
  | { readonly kind: "upgrade"; readonly stackId: string; readonly dryRun: boolean }
  | { readonly kind: "none"; readonly reason: string };

/** Reads a step; `subject` is the stack of the step before. Never throws. */
export function readStep(step: unknown, subject: string | undefined): SimulationStep {
  if (!isMap(step)) return { kind: "event", body: step, origin: "external" };
  if (Object.hasOwn(step, "event")) return readSent(step);
  if (Object.hasOwn(step, "stack")) return readStack(step["stack"]);
  if (Object.hasOwn(step, "advance")) return readAdvance(step, subject);
  if (Object.hasOwn(step, "load")) return readLoad(step["load"]);
  if (Object.hasOwn(step, "upgrade")) return readUpgrade(step);
  return readAnswer(step, subject);
}

type Fields = Readonly<Record<string, unknown>>;

function readStack(given: unknown): SimulationStep {
  const read = readSimulationStack(given);
  return read.kind === "stack" ? read : { kind: "none", reason: read.reason };
}

function readSent({ event: body, sender: given }: Fields): SimulationStep {
  if (given === undefined) return { kind: "event", body, origin: "external" };
  const sender = toSender(given);
  const origin = sender?.kind === "stack" ? "stack" : "external";
  if (sender !== undefined) return { kind: "event", body, origin, sender };
  const example = '{"name": "ada", "groups": ["release-managers"]}';
  return { kind: "none", reason: `"sender" must be an object such as ${example}, not ${formatValue(given)}.` };
}

/** Returns the sender of a step: a person without groups by default. */
function toSender(given: unknown): Sender | undefined {
  if (!isMap(given)) return undefined;
  const { name, id = name, kind: wanted = "person", groups = [], machine, owner } = given;
  const kind = SENDER_KINDS.find((known) => known === wanted);
  if (typeof name !== "string" || typeof id !== "string" || kind === undefined || !Array.isArray(groups))
    return undefined;
  if (!groups.every((group) => typeof group === "string") || !isOptionalText(machine) || !isOptionalText(owner)) {
    return undefined;
  }
  // In a yard only a release has a machine.
  return { kind, id, name, groups, ...defined({ machine: kind === "stack" ? machine : undefined, owner }) };
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}

const ANSWERS: ReadonlyMap<unknown, string> = new Map([
  ["succeeded", SYSTEM_EVENTS.taskCompleted],
  ["failed", SYSTEM_EVENTS.taskError],
  ["cancelled", SYSTEM_EVENTS.taskCancelled],
]);

function readAnswer(step: Fields, subject: string | undefined): SimulationStep {
  const { task, result, stackId = subject, message: description, ...rest } = step;
  const body = { ...rest, event: ANSWERS.get(result), stackId, description, task: { name: task } };
  // Only a worker may confirm a cancel; the step acts as that worker.
  return { kind: "event", body, origin: result === "cancelled" ? "worker" : "external" };
}

function readAdvance(step: Fields, subject: string | undefined): SimulationStep {
  const { advance, stackId = subject } = step;
  const byMs = typeof advance === "string" ? parseDuration(advance) : undefined;
  if (byMs === undefined) {
    return { kind: "none", reason: `"advance" must be a duration such as "15m", not ${formatValue(advance)}.` };
  }
  return { kind: "advance", byMs, stackId: typeof stackId === "string" ? stackId : undefined };
}

function readLoad(file: unknown): SimulationStep {
  if (typeof file === "string" && file !== "") return { kind: "load", file };
  return { kind: "none", reason: `"load" must be the path of a machine, not ${formatValue(file)}.` };
}

function readUpgrade({ upgrade, dryRun = false }: Fields): SimulationStep {
  if (typeof upgrade !== "string" || upgrade === "") {
    return { kind: "none", reason: `"upgrade" must be the id of a stack, not ${formatValue(upgrade)}.` };
  }
  if (typeof dryRun === "boolean") return { kind: "upgrade", stackId: upgrade, dryRun };
  return { kind: "none", reason: `"dryRun" must be true or false, not ${formatValue(dryRun)}.` };
}

const MOST_TOLD = 60;

function formatValue(value: unknown): string {
  return cutText(JSON.stringify(value) ?? "nothing", MOST_TOLD);
}
