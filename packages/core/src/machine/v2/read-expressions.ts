import { approvalDefinition } from "../approval.ts";
import { APPROVAL } from "../approval-name.ts";
import { type CompileContext, onValue, suggestFrom } from "../document/compile-context.ts";
import {
  type Field,
  findInside,
  findText,
  isListField,
  isMapField,
  type TreeNode,
  toFields,
  toItems,
  toValue,
} from "../document/tree.ts";
import { quote } from "../document/wording.ts";
import { compileExpression, type WantedResult } from "../expression/compile-expression.ts";
import { compileTemplate, type TemplateResult } from "../expression/compile-template.ts";
import type { Expression, ExpressionPlace, Template } from "../expression/expression.ts";

/** The input of the rules of version 2 in addition to their part of the document. */
export interface V2Context extends CompileContext {
  readonly budget: ExpressionBudget;
}

/** The limits for the expressions and the misspelt names of a document. */
interface ExpressionBudget {
  /** Compiling takes some microseconds a character, and aliases repeat an expression as often as a document likes. */
  readonly maxCharacters: number;
  characters: number;
  /** The number of nearest names that were looked up. */
  guesses: number;
}

// A document with more unknown names does not contain them by mistake.
const MAX_GUESSES = 200;

/**
 * Returns a context with a fresh budget, and with the built-in executor. No document without aliases comes near the
 * budget.
 */
export function createV2Context(context: CompileContext): V2Context {
  const executors = new Map([...context.executors, [APPROVAL, approvalDefinition]]);
  return { ...context, executors, budget: { maxCharacters: 2 * context.limits.maxBytes, characters: 0, guesses: 0 } };
}

/** Returns true when the expressions exceed the budget, so that the document is refused in any case. */
export function isOverspent({ budget }: V2Context): boolean {
  return budget.characters > budget.maxCharacters;
}

/** Returns the end of a message about an unknown name. */
export function suggestWithin({ budget }: V2Context, name: string, known: Iterable<string>): string {
  budget.guesses += 1;
  return budget.guesses > MAX_GUESSES ? "" : suggestFrom(name, known);
}

/** Charges the budget; false, reported once, when it is exceeded. */
function spend(context: V2Context, { path, node }: Field, characters: number): boolean {
  const { budget, problems, limits } = context;
  const isReported = isOverspent(context);
  budget.characters += characters;
  // Problems beyond those that are listed need not be found.
  if (!isOverspent(context)) return problems.countErrors() <= limits.maxProblems;
  if (isReported) return false;
  const message = `The expressions of this document have more than ${budget.maxCharacters} characters when its aliases are expanded.`;
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

/** Compiles a value with `${…}` in its texts; undefined, with problems at the texts, when one is faulty. */
export function readTemplate(
  context: V2Context,
  field: Field,
  place: ExpressionPlace,
  findFault: FindResultFault = () => undefined,
): Template | undefined {
  if (!spend(context, field, countCharacters(field.node))) return undefined;
  warnBare(context, field);
  const compiled = compileTemplate(toValue(field.node), place);
  if (compiled.kind === "template") {
    const fault = context.isKept ? undefined : findFault(compiled.result);
    if (fault === undefined) return compiled.template;
    context.problems.error(fault.code, onValue(field), fault.message);
    return undefined;
  }
  for (const fault of compiled.faults) {
    context.problems.error(fault.code, onValue(findInside(field, fault.path)), fault.message);
  }
  return undefined;
}

/** A placeholder of which the first character is missing. */
const BARE = /(?<!\$)\{(?:metadata|stack|tasks|event)\.[\w.-]+\}/;

/** Warns of texts that look like a placeholder and stay as they are written. */
function warnBare(context: V2Context, field: Field): void {
  if (isMapField(field)) for (const inner of toFields(field).values()) warnBare(context, inner);
  else if (isListField(field)) for (const inner of toItems(field)) warnBare(context, inner);
  const [bare] = BARE.exec(findText(field) ?? "") ?? [];
  if (bare === undefined) return;
  const message = `${quote(bare)} is passed literally. For the value write $${bare}.`;
  context.problems.warn("placeholder-bare", onValue(field), message);
}

/** Returns why what a template gives cannot be used; undefined when it can. */
export type FindResultFault = (
  result: TemplateResult,
) => { readonly code: string; readonly message: string } | undefined;

/** Where an expression stands, and what it must give. */
interface ExpressionInput {
  readonly place: ExpressionPlace;
  readonly wanted: WantedResult;
}

/** Compiles a text that is an expression as a whole; undefined, with problems, when it is faulty. */
export function readExpression(
  context: V2Context,
  field: Field | undefined,
  { place, wanted }: ExpressionInput,
): Expression | undefined {
  const source = findText(field);
  if (field === undefined || source === undefined || !spend(context, field, source.length)) return undefined;
  const compiled = compileExpression(source, place, wanted);
  if (compiled.kind === "expression") return compiled.expression;
  for (const fault of compiled.faults) context.problems.error(fault.code, onValue(field), fault.message);
  return undefined;
}
