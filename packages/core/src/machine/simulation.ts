import { decide, decideWithoutMachine, machineNameFor } from "./decide.ts";
import type { Decision, Rejected } from "./decision.ts";
import { type EventOrigin, type StackEvent, SYSTEM_EVENTS } from "./event.ts";
import type { Machine } from "./machine.ts";
import { closeRun } from "./open-runs.ts";
import { parseEventMessage } from "./parse-event-message.ts";
import { type SimulationLine, toAppliedLine, toUnchangedLine } from "./simulation-line.ts";
import type { Stack } from "./stack.ts";
import { tellUnknownMachine } from "./unknown-machine.ts";
import { isMap } from "./unwrap-body.ts";

/** The instant at which a simulation's clock stands where none is given: 2030-01-01T00:00:00Z. */
export const SIMULATION_START = Date.UTC(2030, 0, 1);

/** A yard of stacks in memory on which events are tried. */
export interface Simulation {
  /**
   * Works one step in: `{"event": <event message>}`, or a worker's answer by name, `{"task", "result": "succeeded",
   * "failed" or "cancelled", "stackId"?, "message"?, "outputs"?, "metadata"?}`; without `stackId` it goes to the stack
   * of the step before. Never throws.
   */
  step(step: unknown): SimulationLine;
}

/** What may differ from one simulation to the next. */
export interface SimulationOptions {
  /** Where the clock stands, epoch milliseconds. Default `SIMULATION_START`. */
  readonly now?: number;
}

/**
 * An empty yard with these machines, in which the same function decides as in the engine. A name that stands for
 * undefined is that of a document with errors. A refused event is only refused, never tried again.
 */
export function createSimulation(
  machines: ReadonlyMap<string, Machine | undefined>,
  { now = SIMULATION_START }: SimulationOptions = {},
): Simulation {
  const yard: Yard = { machines, now, stacks: new Map(), appliedIds: new Map(), steps: 0, subject: undefined };
  return { step: (step) => workStep(yard, step) };
}

interface Yard {
  readonly machines: ReadonlyMap<string, Machine | undefined>;
  readonly now: number;
  readonly stacks: Map<string, Stack>;
  /** By stack; they outlive its removal. */
  readonly appliedIds: Map<string, Set<string>>;
  steps: number;
  subject: string | undefined;
}

function workStep(yard: Yard, step: unknown): SimulationLine {
  yard.steps += 1;
  const { body, origin } = readStep(step, yard.subject);
  const parsed = parseEventMessage(body, { messageId: `simulated-step-${yard.steps}`, at: yard.now, origin });
  const stackId = parsed.kind === "event" ? parsed.event.stackId : parsed.stackId;
  yard.subject = stackId ?? yard.subject;
  const decision = parsed.kind === "event" ? decideInYard(yard, parsed.event) : toRejected(parsed);
  if (parsed.kind === "event") takeDecision(yard, parsed.event, decision);
  if (decision.kind === "applied") return toAppliedLine(yard.steps, decision);
  return toUnchangedLine(yard.steps, yard.stacks.get(stackId ?? ""), decision);
}

interface ReadStep {
  readonly body: unknown;
  readonly origin: EventOrigin;
}

const ANSWERS: ReadonlyMap<unknown, string> = new Map([
  ["succeeded", SYSTEM_EVENTS.taskCompleted],
  ["failed", SYSTEM_EVENTS.taskError],
  ["cancelled", SYSTEM_EVENTS.taskCancelled],
]);

function readStep(step: unknown, subject: string | undefined): ReadStep {
  if (!isMap(step)) return { body: step, origin: "external" };
  if (Object.hasOwn(step, "event")) return { body: step["event"], origin: "external" };
  const { task, result, stackId = subject, message: description, ...rest } = step;
  const body = { ...rest, event: ANSWERS.get(result), stackId, description, task: { name: task } };
  // Nobody outside may confirm a cancel; the step stands for the worker that does.
  return { body, origin: result === "cancelled" ? "worker" : "external" };
}

function decideInYard(yard: Yard, event: StackEvent): Decision {
  const { id, stackId } = event;
  if (yard.appliedIds.get(stackId)?.has(id)) {
    return { kind: "ignored", code: "DUPLICATE", reason: `Event "${id}" was applied before.` };
  }
  const stack = yard.stacks.get(stackId);
  const early = decideWithoutMachine(stack, event);
  if (early) return early;
  const name = machineNameFor(stack, event) ?? "";
  const machine = yard.machines.get(name);
  if (machine) return decide(machine, stack, event);
  return yard.machines.has(name)
    ? toRejected({ code: "MACHINE_INVALID", reason: `The machine "${name}" has errors.` })
    : toRejected({ code: "MACHINE_UNKNOWN", reason: tellUnknownMachine(name, yard.machines.keys()) });
}

function takeDecision(yard: Yard, { id, stackId }: StackEvent, decision: Decision): void {
  if (decision.kind === "applied") {
    const ids = yard.appliedIds.get(stackId) ?? new Set();
    yard.appliedIds.set(stackId, ids.add(id));
    if (decision.removed) yard.stacks.delete(stackId);
    else yard.stacks.set(stackId, decision.stack);
    return;
  }
  const stack = yard.stacks.get(stackId);
  if (stack && decision.closes !== undefined) yard.stacks.set(stackId, closeRun(stack, decision.closes));
}

function toRejected({ code, reason }: Pick<Rejected, "code" | "reason">): Rejected {
  return { kind: "rejected", code, reason };
}
