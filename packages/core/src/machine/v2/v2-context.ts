import { type CompileContext, suggestFrom } from "../document/compile-context.ts";
import type { Field, TreeNode } from "../document/tree.ts";

/** What the rules of version 2 need besides their part of the document. */
export interface V2Context extends CompileContext {
  readonly budget: ExpressionBudget;
}

/** What the expressions and the misspelt names of a document may cost. */
export interface ExpressionBudget {
  /**
   * Of expressions. Compiling one takes some microseconds a character, and aliases write the same one out as often as a
   * document likes.
   */
  readonly maxCharacters: number;
  characters: number;
  /** How many nearest names were looked for. */
  guesses: number;
}

// A document with more unknown names is no document with slips of the pen.
const MAX_GUESSES = 200;

/** A context with a fresh budget. No document without aliases comes near it. */
export function createV2Context(context: CompileContext): V2Context {
  return { ...context, budget: { maxCharacters: 2 * context.limits.maxBytes, characters: 0, guesses: 0 } };
}

/** Spends what compiling the texts with `${…}` in a value costs; false, told once, when the budget does not hold it. */
export function spendTemplate(context: V2Context, field: Field): boolean {
  return spend(context, field, countCharacters(field.node));
}

/** As `spendTemplate`, for an expression. */
export function spendExpression(context: V2Context, field: Field, source: string): boolean {
  return spend(context, field, source.length);
}

/** True when the budget has not held all expressions, so that the document is refused whatever else stands in it. */
export function isOverspent({ budget }: V2Context): boolean {
  return budget.characters > budget.maxCharacters;
}

/** The end of a message about an unknown name. */
export function suggestWithin({ budget }: V2Context, name: string, known: Iterable<string>): string {
  budget.guesses += 1;
  return budget.guesses > MAX_GUESSES ? "" : suggestFrom(name, known);
}

function spend(context: V2Context, { path, node }: Field, characters: number): boolean {
  const { budget, problems, limits } = context;
  const told = isOverspent(context);
  budget.characters += characters;
  // What goes beyond the problems that are listed need not be found.
  if (!isOverspent(context)) return problems.countErrors() <= limits.maxProblems;
  if (told) return false;
  const message = `The expressions of this document have more than ${budget.maxCharacters} characters when its aliases are written out.`;
  problems.error("limit-exceeded", { path, at: node.at }, message);
  return false;
}

function countCharacters(node: TreeNode): number {
  if (node.kind === "scalar") {
    return typeof node.value === "string" && node.value.includes("${") ? node.value.length : 0;
  }
  const inner = node.kind === "list" ? node.items : [...node.entries.values()].map(({ value }) => value);
  return inner.reduce((sum, each) => sum + countCharacters(each), 0);
}
