import type { ASTNode } from "@marcbachmann/cel-js";
import { findNearestName } from "../document/nearest-name.ts";
import { listNames, quote, suggest } from "../document/wording.ts";
import { CEL_FUNCTIONS, CEL_METHODS } from "./cel-functions.ts";
import { checkMetadataKey } from "./check-metadata-key.ts";
import type { ExpressionFault, ExpressionFaultCode, ExpressionPlace } from "./expression-place.ts";
import { findHyphenated, hintQuotes, hintRoot, tellHyphenated } from "./name-hints.ts";
import { type Member, type Reference, walkTree } from "./tree-walk.ts";

/** What is wrong with the names of an expression, by what its place has. */
export function checkNames(tree: ASTNode, source: string, place: ExpressionPlace): readonly ExpressionFault[] {
  const check: Check = { source, place, faults: new Map() };
  walkTree(tree, {
    reference: (reference) => checkReference(check, reference),
    call: ({ name, method, at }) => checkCall(check, { name, method, at }),
    mapKey: (key, at) => {
      if (LOST_KEYS.has(key)) fault(check, at.start, "expression-syntax", `${quote(key)} cannot be the key of a map.`);
    },
  });
  return [...check.faults.values()];
}

interface Check {
  readonly source: string;
  readonly place: ExpressionPlace;
  /** By message, so that a fault that shows in several names is told once. */
  readonly faults: Map<string, ExpressionFault>;
}

// Names of types, which CEL has as values.
const TYPES = new Set("int uint double string bool bytes list map null_type type google".split(" "));
// The library leaves these keys out of maps without a word.
const LOST_KEYS = new Set(["__proto__", "constructor", "prototype"]);
const STACK_MEMBERS = ["id", "machine", "state", "previousState", "createdAt", "enteredAt", "visits"];
const EVENT_MEMBERS = ["name", "metadata"];
const TASK_MEMBERS = ["outputs", "status"];

function fault(check: Check, offset: number, code: ExpressionFaultCode, message: string): void {
  if (!check.faults.has(message)) check.faults.set(message, { code, message, offset });
}

function checkReference(check: Check, reference: Reference): void {
  const { root, at } = reference;
  if (isElsewhere(check.place, root)) tellElsewhere(check, reference);
  else if (root === "stack") checkStack(check, reference);
  else if (root === "metadata") checkMetadata(check, reference.members[0]);
  else if (root === "event") checkEvent(check, reference);
  else if (root === "tasks") checkTasks(check, reference);
  else if (root !== "now" && !TYPES.has(root)) checkRoot(check, root, at);
}

const VARIABLES: readonly string[] = ["stack", "metadata", "event", "tasks", "now"];

/** True for a variable that there is, and not at this place. */
function isElsewhere({ variables }: ExpressionPlace, root: string): boolean {
  return variables !== undefined && VARIABLES.includes(root) && !variables.includes(root);
}

function tellElsewhere(check: Check, { root, at }: Reference): void {
  const message = `Only ${check.place.variables?.join(", ")} can be used here, not ${root}.`;
  fault(check, at.start, "expression-variable-unavailable", message);
}

function checkRoot(check: Check, root: string, at: ASTNode): void {
  const { source, place } = check;
  // All words of a text without its quotes are unknown; the first says enough.
  if (check.faults.size > 0 && hintQuotes(source) !== "") return;
  const hyphenated = findHyphenated(source, at.start);
  const message = hyphenated
    ? tellHyphenated(hyphenated)
    : `There is no variable ${quote(root)}.${hintRoot(root, source, place)}`;
  fault(check, at.start, "expression-unknown-name", message);
}

function checkMember(check: Check, member: Member | undefined, input: { of: string; known: readonly string[] }): void {
  if (member?.name === undefined || input.known.includes(member.name)) return;
  const offset = toOffset(member);
  const hyphenated = findHyphenated(check.source, offset);
  const nearest = suggest(findNearestName(member.name, input.known));
  const message = hyphenated
    ? tellHyphenated(hyphenated)
    : `${input.of} has no ${quote(member.name)}.${nearest || ` Known are ${listNames(input.known)}.`}`;
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
  checkMember(check, first, { of: "event", known: EVENT_MEMBERS });
  if (first?.name === "metadata") checkMetadata(check, second);
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
    fault(check, offset, "expression-unknown-name", tellHyphenated(hyphenated));
    return;
  }
  const nearest = suggest(findNearestName(name, tasks));
  const where = check.place.event ? "no task of this state" : "not among the needs of this task";
  const message = `The task ${quote(name)} is ${where}.${nearest || ` Available are ${listNames(tasks)}.`}`;
  fault(check, offset, "expression-task-not-available", message);
}

function checkCall(check: Check, { name, method, at }: { name: string; method: boolean; at: ASTNode }): void {
  if (name === "has" && !method) checkHas(check, at);
  const [known, others] = method ? [CEL_METHODS, CEL_FUNCTIONS] : [CEL_FUNCTIONS, CEL_METHODS];
  if (known.has(name)) return;
  const form = method ? `${name}(x)` : `x.${name}(…)`;
  const nearest = suggest(findNearestName(name, known));
  const hint = others.has(name) ? ` It is written ${form}.` : nearest || ` Known are ${listNames(known)}.`;
  const offset = at.op === "rcall" ? check.source.indexOf(name, at.args[1].end) : at.start;
  fault(check, offset, "expression-unknown-name", `There is no function ${quote(name)} here.${hint}`);
}

// The library notices only when it evaluates; the language calls it a fault of the syntax.
function checkHas(check: Check, at: ASTNode): void {
  const [selection, ...more] = at.op === "call" ? at.args[1] : [];
  if (selection?.op === "." && more.length === 0) return;
  const advice = "For other names write 'the-name' in metadata.";
  const message = `has() asks for one name after a dot, such as has(metadata.image). ${advice}`;
  fault(check, at.start, "expression-syntax", message);
}

function toOffset({ at }: Member): number {
  return at.op === "[]" ? at.args[1].start : at.pos;
}
