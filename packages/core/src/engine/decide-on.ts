import { decide, decideWithoutMachine, machineNameFor } from "../machine/decide/decide.ts";
import type { Decision, Rejected } from "../machine/decide/decision.ts";
import type { DecideLimits } from "../machine/decide/work.ts";
import type { Machine } from "../machine/machine.ts";
import { type StackEvent, toEventKey } from "../machine/message/event.ts";
import type { Stack } from "../machine/stack.ts";
import type { Random } from "../ports/clock.ts";
import { drawJitter } from "./draw-jitter.ts";
import type { FoundMachine } from "./found-machine.ts";
import type { MachineFinder } from "./machine-finder.ts";
import type { Round } from "./round.ts";

/** What a decision works with. */
export interface DecideOnDeps {
  readonly finder: MachineFinder;
  readonly limits: DecideLimits;
  /** Draws the instants that `decide` leaves to chance. */
  readonly random: Random;
}

/** A decision, and what there is to say about the machine that it was made on. */
export interface NotedDecision {
  readonly decision: Decision;
  readonly notes: readonly string[];
  /** Undefined where none was needed or found. */
  readonly machine?: Machine;
}

/** Decides an event on the round's stack. Changes nothing of the round; the revision is kept when a stack will need it. */
export async function decideOn(
  { finder, limits, random }: DecideOnDeps,
  round: Round,
  event: StackEvent,
): Promise<NotedDecision> {
  if (round.appliedIds.has(toEventKey(event)) || round.knownIds.has(toEventKey(event)))
    return { decision: toDuplicate(event), notes: [] };
  const noted = await decideOnStack({ finder, limits }, round.stack, event);
  const { decision, machine } = noted;
  if (decision.kind === "applied" && !decision.removed && machine !== undefined) await finder.keep(machine.hash);
  return { ...noted, decision: toDrawn(decision, random) };
}

/** What is decided on an event of a stack as it stands, or of one that is not there yet. Changes nothing. */
export async function decideOnStack(
  { finder, limits }: { readonly finder: Pick<MachineFinder, "find">; readonly limits: DecideLimits },
  stack: Stack | undefined,
  event: StackEvent,
): Promise<NotedDecision> {
  const early = decideWithoutMachine(stack, event);
  const name = machineNameFor(stack, event);
  if (early !== undefined || name === undefined) return { decision: early ?? unknownStack(event), notes: [] };
  const found = await finder.find(name, stack, event);
  if (found.kind === "missing") return { decision: toRejected(found), notes: [] };
  const { machine, notes } = found;
  return { decision: toBackward(decide(machine, stack, event, limits), found), notes, machine };
}

function toDrawn(decision: Decision, random: Random): Decision {
  return decision.kind === "applied" ? { ...decision, stack: drawJitter(decision.stack, random) } : decision;
}

function toDuplicate({ id }: StackEvent): Decision {
  return { kind: "ignored", code: "DUPLICATE", reason: `Event ${id} was applied before.` };
}

function unknownStack({ stackId }: StackEvent): Decision {
  return { kind: "ignored", code: "STACK_UNKNOWN", reason: `There is no stack "${stackId}".` };
}

function toRejected({ code, reason }: Extract<FoundMachine, { kind: "missing" }>): Rejected {
  return { kind: "rejected", code, reason };
}

/** An event that a stack's older revision does not declare may be one of the newest: it waits until the stack is there. */
function toBackward(decision: Decision, { undeclared }: Extract<FoundMachine, { kind: "found" }>): Decision {
  if (undeclared === undefined || decision.kind !== "rejected" || decision.code !== "EVENT_UNDECLARED") return decision;
  return { ...decision, ...undeclared };
}
