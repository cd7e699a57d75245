import type { Operation, Refusal } from "../operation.ts";
import { planEdit } from "../plan-edit.ts";
import { applyToText } from "./apply-to-text.ts";

/**
 * Returns the lines that an edit removes (-) and adds (+), or why and where it is rejected, and the offered
 * alternatives.
 */
export function outcomeOf(text: string, operation: Operation): readonly string[] {
  const plan = planEdit(text, operation);
  if ("refusal" in plan) return describeRefusal(text, plan.refusal);
  return diffLines(text.split("\n"), applyToText(text, plan.changes).split("\n"));
}

/** Formats a rejection in lines. */
export function describeRefusal(text: string, { code, message, place, offers }: Refusal): readonly string[] {
  const offered = offers.map(({ label, operation }) => {
    const path = operation.kind === "convert-to-block" ? ` ${operation.path.join(".")}` : "";
    const flags = `${operation.shared ? " shared" : ""}${operation.override ? " override" : ""}`;
    return `${label}: ${operation.kind}${path}${flags}`;
  });
  return [`${code} at "${text.slice(place.from, place.to).split("\n")[0]}": ${message}`, ...offered];
}

function diffLines(before: readonly string[], after: readonly string[]): readonly string[] {
  const [old, ...restBefore] = before;
  const [present, ...restAfter] = after;
  if (old === undefined) return after.map((line) => `+${line}`);
  if (old === present) return diffLines(restBefore, restAfter);
  const isGone = !after.includes(old);
  const isNew = !before.includes(present ?? old);
  if (isGone || (!isNew && before.length > after.length)) return [`-${old}`, ...diffLines(restBefore, after)];
  return [`+${present}`, ...diffLines(before, restAfter)];
}
