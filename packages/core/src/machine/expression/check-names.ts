import type { ASTNode } from "@marcbachmann/cel-js";
import { cutText } from "../cut-text.ts";
import { findNearestName, listNames, quote, suggest } from "../document/wording.ts";
import { CEL_FUNCTIONS, CEL_METHODS } from "./cel-functions.ts";
import type { ExpressionFault, ExpressionFaultCode, ExpressionPlace } from "./expression.ts";
import { EXPRESSION_LIMITS } from "./meter.ts";
import { type Member, type Reference, walkTree } from "./tree-walk.ts";

/** Returns the faults of an expression's names at its place. */
export function checkNames(tree: ASTNode, source: string, place: ExpressionPlace): readonly ExpressionFault[] {
  const check: Check = { source, place, faults: new Map() };
  return checkTree(tree, check, (reference) => checkReference(check, reference));
}

/**
 * Returns the faults of the names of an expression that has only these variables. `hook.pull` allows only this member of
 * the variable `hook`.
 */
export function checkVariables(
  tree: ASTNode,
  source: string,
  variables: readonly string[],
): readonly ExpressionFault[] {
  const check: SourceCheck = { source, faults: new Map() };
  return checkTree(tree, check, ({ root, at, members: [member] }) => {
    if (variables.includes(root) || TYPES.has(root)) return;
    const name = variables.some((each) => each.startsWith(`${root}.`)) ? `${root}.${member?.name ?? "*"}` : root;
    if (!variables.includes(name)) checkVariable(check, { root: name, at, variables });
  });
}

function checkTree(
  tree: ASTNode,
  check: SourceCheck,
  reference: (reference: Reference) => void,
): readonly ExpressionFault[] {
  walkTree(tree, {
    reference,
    call: ({ name, method, at }) => checkCall(check, { name, method, at }),
    mapKey: (key, at) => checkMapKey(check, key, at),
    literal: (value, at) => checkBytes(check, value, at),
  });
  return [...check.faults.values()];
}

interface Check {
  readonly source: string;
  readonly place: ExpressionPlace;
  /** By message, so that a fault of several names is reported once. */
  readonly faults: Map<string, ExpressionFault>;
}

// Names of types, which CEL has as values.
const TYPES = new Set("int uint double string bool bytes list map null_type type google".split(" "));
const STACK_MEMBERS = ["id", "machine", "state", "previousState", "createdAt", "enteredAt", "visits"];
const EVENT_MEMBERS = ["name", "metadata"];
const TASK_MEMBERS = ["outputs", "status"];
const ACTOR_MEMBERS = ["id", "kind", "groups", "machine"];

/** A check that needs no place. */
type SourceCheck = Pick<Check, "source" | "faults">;

function fault(check: SourceCheck, offset: number, code: ExpressionFaultCode, message: string): void {
  if (!check.faults.has(message)) check.faults.set(message, { code, message, offset });
}

function checkMapKey(check: SourceCheck, key: string, at: ASTNode): void {
  if (key === "__proto__") fault(check, at.start, "expression-syntax", `${quote(key)} cannot be the key of a map.`);
}

// The library makes one byte of such a character, the language as many as UTF-8 needs.
function checkBytes(check: SourceCheck, value: unknown, at: ASTNode): void {
  if (!(value instanceof Uint8Array) || !/\P{ASCII}/u.test(check.source.slice(at.start, at.end))) return;
  const message = "Bytes are written with the characters of ASCII and escapes only, such as b'\\xc3\\xbf'.";
  fault(check, at.start, "expression-syntax", message);
}

function checkVariable(
  check: SourceCheck,
  { root, at, variables }: { root: string; at: ASTNode; variables: readonly string[] },
): void {
  const nearest = findNearestName(root, variables);
  const hint = nearest === undefined ? `Valid: ${variables.join(", ")}.` : `Did you mean ${nearest}?`;
  fault(check, at.start, "expression-unknown-name", `Unknown variable ${quote(root)}. ${hint}`);
}

function checkReference(check: Check, reference: Reference): void {
  const { root, at } = reference;
  if (isElsewhere(check.place, root)) formatElsewhere(check, reference);
  else if (root === "stack") checkStack(check, reference);
  else if (root === "metadata") checkMetadata(check, reference.members[0]);
  else if (root === "event") checkEvent(check, reference);
  else if (root === "tasks") checkTasks(check, reference);
  else if (root === "actor") checkActor(check, reference);
  else if (root !== "now" && !TYPES.has(root)) checkRoot(check, root, at);
}

const KNOWN_VARIABLES: readonly string[] = ["stack", "metadata", "event", "tasks", "actor", "now"];

/** Returns true for a variable that exists, but not at this place. */
function isElsewhere({ variables }: ExpressionPlace, root: string): boolean {
  return variables !== undefined && KNOWN_VARIABLES.includes(root) && !variables.includes(root);
}

function formatElsewhere(check: Check, { root, at }: Reference): void {
  const message = `Only ${check.place.variables?.join(", ")} can be used here, not ${root}.`;
  fault(check, at.start, "expression-variable-unavailable", message);
}

function checkRoot(check: Check, root: string, at: ASTNode): void {
  const { source, place } = check;
  // All words of a text without its quotes are unknown; reporting the first is enough.
  if (check.faults.size > 0 && hintQuotes(source) !== "") return;
  const hyphenated = findHyphenated(source, at.start);
  const message = hyphenated
    ? formatHyphenHint(hyphenated)
    : `Unknown variable ${quote(root)}.${hintRoot(root, source, place)}`;
  fault(check, at.start, "expression-unknown-name", message);
}

function checkMember(check: Check, member: Member | undefined, input: { of: string; known: readonly string[] }): void {
  if (member?.name === undefined || input.known.includes(member.name)) return;
  const offset = toOffset(member);
  const hyphenated = findHyphenated(check.source, offset);
  const nearest = suggest(findNearestName(member.name, input.known));
  const message = hyphenated
    ? formatHyphenHint(hyphenated)
    : `${input.of} has no ${quote(member.name)}.${nearest || ` Valid: ${listNames(input.known)}.`}`;
  fault(check, offset, "expression-unknown-name", message);
}

function checkStack(check: Check, { members: [first, second] }: Reference): void {
  checkMember(check, first, { of: "stack", known: STACK_MEMBERS });
  const { states } = check.place;
  if (first?.name === "visits" && states) checkMember(check, second, { of: "stack.visits", known: states });
}

function checkEvent(check: Check, { at, members: [first, second] }: Reference): void {
  if (!check.place.event) {
    const message = "event exists only in reactions; here write stack, metadata or now.";
    fault(check, at.start, "expression-variable-unavailable", message);
    return;
  }
  checkMember(check, first, { of: "event", known: check.place.actor ? ["name"] : EVENT_MEMBERS });
  if (first?.name === "metadata") checkMetadata(check, second);
}

function checkActor(check: Check, { at, members: [first] }: Reference): void {
  if (check.place.actor && first?.name === "name") {
    const message = "actor has no name here, because others can take the same name. Compare actor.id.";
    fault(check, toOffset(first), "expression-unknown-name", message);
    return;
  }
  if (check.place.actor) {
    checkMember(check, first, { of: "actor", known: ACTOR_MEMBERS });
    return;
  }
  const message = "actor exists only in allow of an event or a task.";
  fault(check, at.start, "expression-variable-unavailable", message);
}

function checkMetadata(check: Check, member: Member | undefined): void {
  if (member?.name === undefined) return;
  const offset = toOffset(member);
  const hyphenated = findHyphenated(check.source, offset);
  const found = checkMetadataKey(member.name, hyphenated, check.place);
  if (found) fault(check, offset, found.code, found.message);
}

function checkTasks(check: Check, { at, members: [first, second] }: Reference): void {
  const { tasks } = check.place;
  if (tasks === undefined) {
    const message = "tasks cannot be used here; only reactions and the config of a task with needs see results.";
    fault(check, at.start, "expression-variable-unavailable", message);
    return;
  }
  if (first?.name === undefined) return;
  if (!tasks.includes(first.name)) checkTaskName(check, first, tasks);
  else checkMember(check, second, { of: `tasks['${first.name}']`, known: TASK_MEMBERS });
}

function checkTaskName(check: Check, member: Member, tasks: readonly string[]): void {
  const offset = toOffset(member);
  const name = member.name ?? "";
  const hyphenated = findHyphenated(check.source, offset);
  if (hyphenated) {
    fault(check, offset, "expression-unknown-name", formatHyphenHint(hyphenated));
    return;
  }
  const nearest = suggest(findNearestName(name, tasks));
  const [where, place] = check.place.event
    ? ["a task of this state", "the state"]
    : ["in the needs of this task", "needs"];
  const hint = tasks.length === 0 ? ` Add it to ${place}.` : nearest || ` Valid: ${listNames(tasks)}.`;
  const message = `The task ${quote(name)} is not ${where}.${hint}`;
  fault(check, offset, "expression-task-not-available", message);
}

function checkCall(check: SourceCheck, { name, method, at }: { name: string; method: boolean; at: ASTNode }): void {
  if (name === "has" && !method) checkHas(check, at);
  const [known, others] = method ? [CEL_METHODS, CEL_FUNCTIONS] : [CEL_FUNCTIONS, CEL_METHODS];
  if (known.has(name)) return;
  const form = method ? `${name}(x)` : `x.${name}(…)`;
  const nearest = suggest(findNearestName(name, known));
  const hint = others.has(name) ? ` It is written ${form}.` : nearest || ` Valid: ${listNames(known)}.`;
  const offset = at.op === "rcall" ? check.source.indexOf(name, at.args[1].end) : at.start;
  fault(check, offset, "expression-unknown-name", `Unknown function ${quote(name)}.${hint}`);
}

// The library notices only when it evaluates; the language calls it a fault of the syntax.
function checkHas(check: SourceCheck, at: ASTNode): void {
  const [selection, ...more] = at.op === "call" ? at.args[1] : [];
  if (selection?.op === "." && more.length === 0) return;
  const advice = "For other names write 'the-name' in metadata.";
  const message = `has() requires one name after a dot, such as has(metadata.image). ${advice}`;
  fault(check, at.start, "expression-syntax", message);
}

function toOffset({ at }: Member): number {
  return at.op === "[]" ? at.args[1].start : at.pos;
}

const MAX_CANDIDATES = 500;

/** Returns the fault of a metadata key at a place; `hyphenated` is the longer name that was probably meant. */
function checkMetadataKey(
  key: string,
  hyphenated: string | undefined,
  { metadata, sensitive }: ExpressionPlace,
): { code: ExpressionFaultCode; message: string } | undefined {
  if (metadata.declared.has(key)) {
    if (!metadata.sensitive.has(key) || sensitive === "always") return undefined;
    return { code: "sensitive-leak", message: formatLeak(key, sensitive) };
  }
  if (hyphenated !== undefined && metadata.declared.has(hyphenated)) {
    return { code: "expression-unknown-name", message: formatHyphenHint(hyphenated) };
  }
  if (metadata.additional) return undefined;
  // Documents are hostile: looking through thousands of keys for each of thousands of expressions takes minutes.
  const known = metadata.declared.size > MAX_CANDIDATES ? [] : metadata.declared;
  const nearest = suggest(findNearestName(key, known));
  return { code: "metadata-undeclared", message: `The metadata key ${quote(key)} is not declared.${nearest}` };
}

function formatLeak(key: string, sensitive: ExpressionPlace["sensitive"]): string {
  return sensitive === "placeholder"
    ? `The sensitive key ${quote(key)} may stand only as a whole placeholder, \${metadata['${key}']}, in a config.`
    : `The sensitive key ${quote(key)} may not be read here.`;
}

/** The variables of expressions. */
const VARIABLES = ["stack", "metadata", "event", "tasks", "now"] as const;

// Text without the inner quotes: `shared-db`, `db/main`.
const BARE_TEXT = /^[A-Za-z0-9_][\w./:@ -]*$/;

/** Returns the end of a message about an unknown variable: the name that was probably meant. */
function hintRoot(name: string, source: string, place: ExpressionPlace): string {
  const key = place.metadata.declared.has(name) ? `metadata.${name}` : undefined;
  const nearest = key ?? findNearestName(name, VARIABLES);
  const meant = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
  return `${meant}${hintQuotes(source)}` || ` Valid: ${VARIABLES.join(", ")}.`;
}

/** Proposes inner quotes where the whole source looks like plain text. */
function hintQuotes(source: string): string {
  const text = source.trim();
  if (!BARE_TEXT.test(text) || text.length > 60) return "";
  return ` Put a fixed text in its own quotes inside those of YAML: "'${text}'".`;
}

/**
 * Returns the name with hyphens after the dot at an offset, such as `CLEAN-UP`; undefined for other names. CEL reads
 * the hyphen as a minus.
 */
function findHyphenated(source: string, offset: number): string | undefined {
  const before = /\.\s*([A-Za-z_]\w*-(?:\w+-)*)?$/.exec(source.slice(Math.max(0, offset - 200), offset));
  if (before === null) return undefined;
  const rest = /^\w+(?:-\w+)*/.exec(source.slice(offset, offset + 200))?.[0] ?? "";
  const name = (before[1] ?? "") + rest;
  return name.includes("-") ? name : undefined;
}

/** Returns the hint how to write a name with hyphens. */
function formatHyphenHint(name: string): string {
  return `${quote(name)} after a dot is read as a subtraction; write ['${name}'].`;
}

const NEAR = 40;

/** Returns the fault for an error of the parser. */
export function toSyntaxFault(error: unknown, source: string): ExpressionFault {
  const { code, summary, offset } = readError(error);
  if (code === "limit_exceeded") {
    return { code: "limit-exceeded", message: `The expression is too large: ${summary}.`, offset };
  }
  const hint = hintBraces(source) ?? hintHyphen(source, offset) ?? hintQuotes(source);
  const near = source.slice(offset, offset + NEAR).trim();
  const where = near === "" ? "at its end" : `at ${JSON.stringify(near)}`;
  const what = source.trim() === "" ? "is empty" : `cannot be read ${where}: ${summary}`;
  return { code: "expression-syntax", message: `The expression ${what}.${hint}`, offset };
}

/** Returns the fault of a source that is too long to be parsed. */
export function tooLong(source: string): ExpressionFault | undefined {
  if (source.length <= EXPRESSION_LIMITS.maxCharacters) return undefined;
  const message = `The expression has ${source.length} characters; ${EXPRESSION_LIMITS.maxCharacters} are allowed.`;
  return { code: "limit-exceeded", message, offset: 0 };
}

/** The form of other tools: `${{ metadata.x }}`. The outer braces are of the placeholder. */
function hintBraces(source: string): string | undefined {
  const [, inner] = /^\{\s*([^{}]*?)\s*\}$/.exec(source.trim()) ?? [];
  return inner === undefined || inner === "" ? undefined : ` One pair of braces is enough: \${${inner}}.`;
}

// A keyword of the language behind a hyphen, as in `metadata.sign-in`, or behind a dot, as in `metadata.in`.
function hintHyphen(source: string, offset: number): string | undefined {
  const hyphenated = findHyphenated(source, offset);
  if (hyphenated) return ` ${formatHyphenHint(hyphenated)}`;
  const word = /\.\s*$/.test(source.slice(0, offset)) && /^\w+/.exec(source.slice(offset))?.[0];
  return word ? ` Write ['${word}'].` : undefined;
}

function readError(error: unknown): { code: string; summary: string; offset: number } {
  if (!(error instanceof Error)) return { code: "", summary: "unknown error", offset: 0 };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const summary = "summary" in error && typeof error.summary === "string" ? error.summary : "it is nested too deep";
  const range = "range" in error ? error.range : undefined;
  const start = typeof range === "object" && range !== null && "start" in range ? range.start : 0;
  return { code, summary: cutText(summary, 200), offset: typeof start === "number" ? start : 0 };
}
