import { isDeepStrictEqual } from "node:util";
import { Lexer } from "yaml";
import type { Change, Operation } from "../operation.ts";
import { planEdit } from "../plan-edit.ts";
import { applyToText } from "./apply-to-text.ts";
import { expectValue, prune, readPlain } from "./expect-value.ts";

/** What became of one edit; `fault` when a promise was broken. */
export type Checked =
  | { readonly kind: "edited" | "unchanged" }
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  | { readonly kind: "fault"; readonly fault: string };

/** Plans an edit and checks what planEdit promises. */
export function checkEdit(text: string, operation: Operation): Checked {
  const plan = planEdit(text, operation);
  if ("refusal" in plan) return { kind: "refused", code: plan.refusal.code, message: plan.refusal.message };
  const fault = findFault(text, operation, plan.changes);
  if (fault !== undefined) return { kind: "fault", fault };
  return { kind: plan.changes.length === 0 ? "unchanged" : "edited" };
}

function findFault(text: string, operation: Operation, changes: readonly Change[]): string | undefined {
  const edited = applyToText(text, changes);
  if (edited !== applyOneByOne(text, changes)) return "The changes overlap or are out of order.";
  if (undo(text, changes) !== text) return "Undo does not restore the text.";
  const expected = prune(expectValue(readPlain(text), operation));
  if (!isDeepStrictEqual(prune(readPlain(edited)), expected)) return "The value is another one than expected.";
  const lost = listLost(text, edited);
  const outside = lost.filter((comment) => !isInDeletion(text, comment, changes));
  if (outside.length > 0) return `Lost comments: ${outside.join(", ")}`;
  return undefined;
}

/** Applies changes from the end, so that earlier offsets stay valid. */
function applyOneByOne(text: string, changes: readonly Change[]): string {
  return changes
    .toReversed()
    .reduce((present, { from, to, insert }) => present.slice(0, from) + insert + present.slice(to), text);
}

function undo(text: string, changes: readonly Change[]): string {
  let shift = 0;
  const inverse = changes.map(({ from, to, insert }) => {
    const start = from + shift;
    shift += insert.length - (to - from);
    return { from: start, to: start + insert.length, insert: text.slice(from, to) };
  });
  return applyToText(applyToText(text, changes), inverse);
}

function listComments(text: string): readonly string[] {
  return [...new Lexer().lex(text)].filter((lexeme) => lexeme.startsWith("#"));
}

function listLost(before: string, after: string): readonly string[] {
  const left = [...listComments(after)];
  return listComments(before).filter((comment) => {
    const index = left.indexOf(comment);
    if (index !== -1) left.splice(index, 1);
    return index === -1;
  });
}

function isInDeletion(text: string, comment: string, changes: readonly Change[]): boolean {
  const at = text.indexOf(comment);
  return changes.some(({ from, to }) => from <= at && at + comment.length <= to);
}
