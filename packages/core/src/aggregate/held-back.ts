import { type Applied, type Decision, effectOf } from "../machine/decide/decision.ts";
import { SYSTEM_EVENTS } from "../machine/event-message.ts";
import { JOB_MACHINE } from "../machine/machine.ts";
import type { HeldBack, Stack } from "../machine/stack.ts";
import { REVISION_LOST } from "../machine/stack-health.ts";
import type { FoundMachine, WantedMachine } from "./stack-input.ts";

type Found = Extract<FoundMachine, { kind: "found" }>;

/**
 * Returns a decision whose stack says why it does not move to the newest revision; without that once it has moved. A stack
 * that says so already is not written for it again.
 */
export function withHeldBack(decision: Decision, { heldBack }: Found): Decision {
  const effect = effectOf(decision);
  if (effect === undefined || effect.removed) return decision;
  const noted: Applied = { ...effect, stack: note(effect.stack, heldBack) };
  if (noted.stack === effect.stack) return decision;
  return decision.kind === "ignored" ? { ...decision, moved: noted } : noted;
}

/**
 * Returns a stack that says that its revision is lost (`lost`), or no longer says so. The event that was refused for it, if
 * any, is the line of the history.
 */
export function withLost(stack: Stack, lost: HeldBack | undefined): Stack {
  return lost === undefined && stack.heldBack?.code !== REVISION_LOST ? stack : note(stack, lost);
}

/** Returns that a stack's revision is lost, when no machine was found for the stack; else undefined. */
export function findLost(found: FoundMachine, { stack, event, name }: WantedMachine): HeldBack | undefined {
  const isOther = stack === undefined || name === JOB_MACHINE || event.name === SYSTEM_EVENTS.upgradeStack;
  if (isOther || found.kind !== "missing") return undefined;
  return { code: REVISION_LOST, reason: found.reason };
}

function note(stack: Stack, heldBack: HeldBack | undefined): Stack {
  const { heldBack: before, ...rest } = stack;
  if (isSame(before, heldBack)) return stack;
  return heldBack === undefined ? rest : { ...rest, heldBack };
}

function isSame(a: HeldBack | undefined, b: HeldBack | undefined): boolean {
  return a?.code === b?.code && a?.reason === b?.reason && a?.revision === b?.revision;
}

/** Returns the line of the history about a revision that is not taken: once for each reason. */
export function listHeldNotes(
  before: Stack | undefined,
  decision: Decision,
  { heldBack, notes }: Found,
): readonly string[] {
  if (heldBack === undefined || effectOf(decision) === undefined || isSame(before?.heldBack, heldBack)) return notes;
  return [...notes, `The stack keeps its revision and moves as soon as this has passed: ${heldBack.reason}`];
}
