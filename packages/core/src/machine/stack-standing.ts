import { type DeedVerdict, evaluateDeed, evaluatePresentDeed, type MissingTask } from "./evaluate-deed.ts";
import { defined } from "./json.ts";
import type { Metadata, Stack } from "./stack.ts";
import { evaluateHealth, findStall, listOpenFailures, type OpenFailure } from "./stack-health.ts";

/** Where a release wants a stack to rest, and where a stack has failed. */
export interface RestingPlace {
  /** Its states; a list without any accepts every state. */
  readonly until: readonly string[];
  readonly failed: readonly string[];
}

/** A place, and the values with which a stack is to have come there. */
export interface WantedPlace extends RestingPlace {
  readonly metadata: Metadata;
}

/**
 * How a stack stands to what is wanted of it. `moving`: something of it is at work. `failed`: what it was to become it has not
 * become. `elsewhere`: it rests, but not where it should. `changed`: it rests there with other values. `arrived`: it rests
 * where it should, and the work with the wanted values is done.
 */
export type Arrival =
  | { readonly kind: "moving" | "elsewhere" | "changed" | "arrived" }
  | { readonly kind: "failed"; readonly code: FailedCode; readonly message: string };

/** Why a stack has failed. `STACK_BROKEN`: it is in a state of `failed`. */
export type FailedCode = "STACK_FAILED" | "STACK_STALLED" | "STACK_OVERDUE" | "STACK_BROKEN";

/**
 * Evaluates whether a stack has arrived: the one answer of rows, gates, undo, plan and board. That a value is there is not
 * enough: the work of the event that has set it must have ended well. A failure that a person has acknowledged counts as
 * before. Pure.
 */
export function evaluateArrival(stack: Stack, wanted: WantedPlace): Arrival {
  const deeds = listWantedDeeds(stack, wanted);
  const isAtRest = rests(stack, deeds);
  const trouble = findTrouble(stack, wanted, isAtRest ? findFailure(stack, deeds) : undefined);
  if (trouble !== undefined) return { kind: "failed", ...trouble };
  if (!isAtRest) return { kind: "moving" };
  if (wanted.until.length > 0 && !wanted.until.includes(stack.state)) return { kind: "elsewhere" };
  return { kind: Object.keys(wanted.metadata).every((key) => hasValue(stack, wanted, key)) ? "arrived" : "changed" };
}

/**
 * Returns true when nothing of a stack is at work: the one answer of what may be sent to. A task that only watches, such as while
 * a preview is in use, is not. Pure.
 */
export function isResting(stack: Stack): boolean {
  const present = evaluatePresentDeed(stack);
  const hasEnded = present !== undefined && present.kind !== "open" && !(present.kind === "failed" && !present.lack);
  return hasEnded || evaluateHealth(stack).isAtRest;
}

function hasValue(stack: Stack, { metadata }: WantedPlace, key: string): boolean {
  return (stack.metadata[key] ?? null) === (metadata[key] ?? null);
}

/** Lists the deeds that are known of the present entry, and of the wanted values that are there. */
function listWantedDeeds(stack: Stack, wanted: WantedPlace): readonly DeedVerdict[] {
  const present = evaluatePresentDeed(stack);
  const keys = Object.keys(wanted.metadata).filter((key) => hasValue(stack, wanted, key));
  return [...(present === undefined ? [] : [present]), ...keys.map((key) => evaluateDeed(stack, key))];
}

/** A stack without deeds was last changed by an earlier version. */
function rests(stack: Stack, deeds: readonly DeedVerdict[]): boolean {
  if (stack.deed === undefined) return evaluateHealth(stack).isAtRest;
  return !deeds.some(({ kind }) => kind === "open");
}

/** What of a stack at rest has failed: a task of its state, or one that the work with the values lacks. */
function findFailure(stack: Stack, deeds: readonly DeedVerdict[]): OpenFailure | undefined {
  const [open] = listOpenFailures(stack);
  const isOfState = stack.tasks.some(({ status }) => status === "ERROR");
  if (isOfState || stack.deed === undefined) return open;
  for (const verdict of deeds) {
    if (verdict.kind === "failed" && verdict.lack !== undefined) return toFailure(stack, verdict.lack);
  }
  return undefined;
}

/** Returns which task of the work of the present entry has failed, or was left, once the work has ended. Pure. */
export function findUndoneWork(stack: Stack): OpenFailure | undefined {
  const present = evaluatePresentDeed(stack);
  if (present?.kind !== "failed" || present.lack === undefined) return undefined;
  const { why } = present.lack;
  return why === "partial" || why === "before" ? undefined : toFailure(stack, present.lack);
}

/** The stack keeps the message of its newest failure only. */
function toFailure({ lastFailure, state }: Stack, { task, entry, why, code }: MissingTask): OpenFailure {
  if (lastFailure?.task === task && lastFailure.entry === entry) return lastFailure;
  return { task, state, ...defined({ code, message: WHY[why] }) };
}

const WHY: Readonly<Record<MissingTask["why"], string | undefined>> = {
  failed: undefined,
  cancelled: undefined,
  partial: undefined,
  left: "Its state was left before it had ended.",
  before: "It has run with the values before.",
};

interface Trouble {
  readonly code: FailedCode;
  readonly message: string;
}

function findTrouble(stack: Stack, { failed }: RestingPlace, failure: OpenFailure | undefined): Trouble | undefined {
  const { state } = stack;
  const stalled = findStall(stack);
  const why = failure === undefined ? "" : formatFailure(failure);
  if (stalled !== undefined) return { code: "STACK_STALLED", message: `${stalled.code}: ${stalled.reason}` };
  if (failed.includes(state)) return { code: "STACK_BROKEN", message: `The stack is in ${state}. ${why}`.trim() };
  if (why !== "") return { code: "STACK_FAILED", message: why };
  if (!evaluateHealth(stack).overdue) return undefined;
  const late = stack.overdue === true ? `The time of ${state} is over.` : `A timer of ${state} was given up.`;
  return { code: "STACK_OVERDUE", message: late };
}

function formatFailure({ task, state, code, message }: OpenFailure): string {
  const what = [code, message].filter((part) => part !== undefined).join(": ");
  return `${task} has failed in ${state}. ${what}`.trim();
}
