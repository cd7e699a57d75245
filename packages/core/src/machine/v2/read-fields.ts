import { type CompileContext, onValue, suggestFrom } from "../document/compile-context.ts";
import { parseDuration } from "../document/duration.ts";
import {
  type Field,
  findField,
  findInside,
  findText,
  isListField,
  type MapNode,
  type TreeNode,
  toItems,
  toValue,
} from "../document/tree.ts";
import { describe } from "../document/wording.ts";
import { compileExpression } from "../expression/compile-expression.ts";
import { compileTemplate } from "../expression/compile-template.ts";
import type { Expression, ExpressionPlace, Template } from "../expression/expression.ts";

/** What the rules of version 2 need besides their part of the document. */
export interface V2Context extends CompileContext {
  readonly budget: ExpressionBudget;
}

/** What the expressions and the misspelt names of a document may cost. */
interface ExpressionBudget {
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
function spendTemplate(context: V2Context, field: Field): boolean {
  return spend(context, field, countCharacters(field.node));
}

/** As `spendTemplate`, for an expression. */
function spendExpression(context: V2Context, field: Field, source: string): boolean {
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

/** Checks the `description` of whatever a map is; nothing else looks at it. */
export function checkDescription({ problems }: CompileContext, map: Field<MapNode>): void {
  const field = findField(map, "description");
  if (field === undefined || findText(field) !== undefined) return;
  const message = `description must be a text, but it is ${describe(field.node)}.`;
  problems.error("description-not-string", onValue(field), message);
}

/** Milliseconds of a key that holds a duration; undefined when it is absent or, with `duration-invalid`, none. */
export function readDuration({ problems }: CompileContext, map: Field<MapNode>, key: string): number | undefined {
  const field = findField(map, key);
  if (field === undefined) return undefined;
  const ms = parseDuration(findText(field) ?? "");
  if (ms === undefined) problems.error("duration-invalid", onValue(field), `${key} ${explain(field)}`);
  return ms;
}

function explain(field: Field): string {
  const rule = "must be a whole number above zero with one unit, ms, s, m, h or d, such as 10m";
  const value = field.node.kind === "scalar" ? field.node.value : undefined;
  const hint =
    typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? ` Write ${value}s for seconds.` : "";
  return `${rule}, but it is ${describe(field.node)}.${hint}`;
}

/** What a flag is where it is not written, and the code of anything but true and false. */
interface FlagRule {
  readonly key: string;
  readonly absent: boolean;
  readonly code: string;
}

/** A key that is true or false; undefined, with a problem, when it holds anything else. */
export function readFlag(
  { problems }: CompileContext,
  map: Field<MapNode>,
  { key, absent, code }: FlagRule,
): boolean | undefined {
  const field = findField(map, key);
  if (field === undefined) return absent;
  const value = field.node.kind === "scalar" ? field.node.value : undefined;
  if (typeof value === "boolean") return value;
  const hint = value === "true" || value === "false" ? ` Write ${value} without quotes.` : "";
  problems.error(code, onValue(field), `${key} must be true or false, but it is ${describe(field.node)}.${hint}`);
  return undefined;
}

/** One text of a list. */
export interface TextItem {
  readonly text: string;
  readonly field: Field;
}

/** What a list of texts is called, and the code of whatever else stands there. */
interface TextListRule {
  readonly what: string;
  readonly code: string;
}

/** The texts of a list, as they stand. Anything else, in the list too, is a problem; undefined when there is no list. */
export function readTextList(
  { problems }: CompileContext,
  field: Field,
  { what, code }: TextListRule,
): readonly TextItem[] | undefined {
  if (!isListField(field)) {
    problems.error(code, onValue(field), `${what}, but this is ${describe(field.node)}.`);
    return undefined;
  }
  return toItems(field).flatMap((item) => {
    const text = findText(item);
    if (text !== undefined && text !== "") return [{ text, field: item }];
    problems.error(
      code,
      onValue(item),
      `${what}, but it holds ${text === "" ? "an empty text" : describe(item.node)}.`,
    );
    return [];
  });
}

/** A value with `${…}` in its texts; undefined, with problems at the very texts, when one is faulty. */
export function readTemplate(context: V2Context, field: Field, place: ExpressionPlace): Template | undefined {
  if (!spendTemplate(context, field)) return undefined;
  const compiled = compileTemplate(toValue(field.node), place);
  if (compiled.kind === "template") return compiled.template;
  for (const fault of compiled.faults) {
    context.problems.error(fault.code, onValue(findInside(field, fault.path)), fault.message);
  }
  return undefined;
}

/** Where an expression stands, and the code of what is no text. */
interface ExpressionRule {
  readonly code: string;
  readonly place: ExpressionPlace;
}

/** A text that is an expression as a whole; undefined, with problems, when it is faulty. */
export function readExpression(
  context: V2Context,
  field: Field,
  { code, place }: ExpressionRule,
): Expression | undefined {
  const { problems } = context;
  const source = findText(field);
  if (source === undefined) {
    const message = `${field.path.at(-1)} must be a text that holds an expression, but it is ${describe(field.node)}. Put it in quotes.`;
    problems.error(code, onValue(field), message);
    return undefined;
  }
  if (!spendExpression(context, field, source)) return undefined;
  const compiled = compileExpression(source, place);
  if (compiled.kind === "expression") return compiled.expression;
  for (const fault of compiled.faults) problems.error(fault.code, onValue(field), fault.message);
  return undefined;
}
