import { INIT } from "../machine.ts";
import {
  type CompileContext,
  type DocumentVersion,
  onKey,
  onMissing,
  onValue,
  suggestFrom,
  suggestOrList,
} from "./compile-context.ts";
import { type Field, findField, isMapField, isNull, type MapNode, toFields } from "./tree.ts";
import { describe, quote } from "./wording.ts";

/**
 * The number of the version in any spelling; of version 1 also the text "1", with a warning. Whatever else stands there,
 * the rest of the document is judged as the version that is given.
 */
export function checkVersion({ problems }: CompileContext, root: Field<MapNode>, judged: DocumentVersion): void {
  const version = findField(root, "version");
  if (version === undefined) {
    const message = 'version is missing: write "version: 1" or "version: 2".';
    problems.error("version-unsupported", onMissing(root, "version"), message);
    return;
  }
  const value = version.node.kind === "scalar" ? version.node.value : undefined;
  if (value === judged) return;
  if (value === "1") {
    const message = 'version is the text "1"; write the number 1, without quotes.';
    problems.warn("version-coerced", onValue(version), message);
    return;
  }
  const message =
    value === "2"
      ? 'version is the text "2"; write the number 2, without quotes.'
      : `version is ${describe(version.node)}, which is not supported; write "version: 1" or "version: 2".`;
  problems.error("version-unsupported", onValue(version), message);
}

/** The keys that a map may have, and what to say about others. */
interface ClosedKeys {
  readonly known: readonly string[];
  readonly code: string;
  /** What the map is, such as `a state`. */
  readonly owner: string;
  /** Keys that version 2 has here, for a document of version 1. */
  readonly newer?: readonly string[];
}

/** Refuses every key that is not among the known ones. */
export function checkKeys(
  context: CompileContext,
  map: Field<MapNode>,
  { known, code, owner, newer = [] }: ClosedKeys,
): void {
  for (const [key, field] of toFields(map)) {
    if (known.includes(key)) continue;
    const advice = newer.includes(key) ? ADVICE_TO_UPGRADE : suggestOrList(key, known);
    context.problems.error(code, onKey(field), `${quote(key)} is no key of ${owner}.${advice}`);
  }
}

/** The end of a message about words of version 2 in a document of version 1. */
export const ADVICE_TO_UPGRADE =
  ' Version 2 has it: write "version: 2", or let "stackyard machines upgrade FILE" rewrite this document.';

/** Refuses keys at the top that the document's version does not have; `newer`: those that version 2 has there. */
export function checkTopLevel(
  { problems }: CompileContext,
  root: Field<MapNode>,
  { known, newer = [] }: Pick<ClosedKeys, "known" | "newer">,
): void {
  for (const [key, field] of toFields(root)) {
    if (known.includes(key) || key.startsWith("x-")) continue;
    const advice = newer.includes(key) ? ADVICE_TO_UPGRADE : adviseTopLevel(key, known);
    problems.error("top-level-unknown-key", onKey(field), `${quote(key)} is no key of a machine.${advice}`);
  }
}

function adviseTopLevel(key: string, known: readonly string[]): string {
  return /^x[-_]/i.test(key) ? ' Keys of your own begin with "x-".' : suggestOrList(key, [...known, "x-…"]);
}

/** What must stand under these keys. */
const REQUIRED = {
  events: "a list of the events that may come. Without events write [].",
  states: "a map of the machine's states, with INIT.",
  tasks: "a map of the machine's tasks. Without tasks write {}.",
};

/** The field that a document must have; undefined, with a problem, when it is missing or has nothing after it. */
export function findRequired(
  { problems }: CompileContext,
  root: Field<MapNode>,
  key: keyof typeof REQUIRED,
): Field | undefined {
  const field = findField(root, key);
  if (field && !isNull(field)) return field;
  const spot = field ? onValue(field) : onMissing(root, key);
  problems.error(`${key}-required`, spot, `${key} is missing: ${REQUIRED[key]}`);
  return undefined;
}

/** What states may be called in a version. */
interface NameRule {
  isName(name: string): boolean;
  /** What is wrong with a name that `isName` refuses. */
  explainName(name: string): string;
}

/** The states by name; undefined, with `states-required`, when the field holds anything else. */
export function readStateMap(
  { problems, limits }: CompileContext,
  states: Field,
  { isName, explainName }: NameRule,
): ReadonlyMap<string, Field> | undefined {
  if (!isMapField(states)) {
    const message = `states must be a map of states, but it is ${describe(states.node)}.`;
    problems.error("states-required", onValue(states), message);
    return undefined;
  }
  const fields = toFields(states);
  if (!fields.has(INIT)) {
    const message = `The state INIT is missing: every stack begins in it.${suggestFrom(INIT, fields.keys())}`;
    problems.error("init-required", onKey(states), message);
  }
  if (fields.size > limits.maxStates) {
    const message = `The machine has ${fields.size} states; ${limits.maxStates} are allowed.`;
    problems.error("limit-exceeded", onKey(states), message);
  }
  for (const [name, field] of fields) {
    if (isName(name)) continue;
    problems.error("state-name-pattern", onKey(field), `${quote(name)} is no state name. ${explainName(name)}`);
  }
  return fields;
}

/** The tasks by name; undefined, with `tasks-not-map`, when the field holds anything else. */
export function readTaskMap(
  { problems, limits }: CompileContext,
  tasks: Field,
): ReadonlyMap<string, Field> | undefined {
  if (!isMapField(tasks)) {
    const message = `tasks must be a map of tasks, but it is ${describe(tasks.node)}. Without tasks write {}.`;
    problems.error("tasks-not-map", onValue(tasks), message);
    return undefined;
  }
  const fields = toFields(tasks);
  if (fields.size > limits.maxTasks) {
    const message = `The machine has ${fields.size} tasks; ${limits.maxTasks} are allowed.`;
    problems.error("limit-exceeded", onKey(tasks), message);
  }
  return fields;
}
