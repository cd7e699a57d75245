import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import type { EditorState } from "@codemirror/state";
import { defined } from "@stackyard/core";
import type { Path } from "../machine/edits/operation.ts";
import type { KnownExecutor, MachineSchemas, JsonSchema as Schema } from "../machine/messages.ts";
import type { Outline } from "../machine/outline.ts";
import { fitsPattern } from "./schema-field.ts";

/** The knowledge of completion and hover. */
export interface Knowledge {
  /** The schemas; undefined while they are loaded. */
  readonly schemas: MachineSchemas | undefined;
  readonly outline: Outline | undefined;
  readonly executors: readonly KnownExecutor[];
}

/** Keys that lead to a line, by its indent: `["states", "LIVE", "on"]`. Dashes of list items count as indent. */
export function pathAt(lines: readonly string[], line: number, column: number): readonly string[] {
  const path: string[] = [];
  let limit = column;
  for (let index = line; index >= 0 && limit > 0; index -= 1) {
    const found = /^(\s*(?:- +)*)(?:"([^"]*)"|'([^']*)'|([^\s#:{}[\],&*"'][^:#{}[\]]*?))\s*:(?:\s|$)/.exec(
      lines[index] ?? "",
    );
    const indent = found?.[1]?.length ?? 0;
    if (found === null || indent >= limit) continue;
    path.unshift(found[2] ?? found[3] ?? found[4] ?? "");
    limit = indent;
  }
  return path;
}

/** Returns the schemas that a path reaches. */
export function findSchemas(root: Schema, path: readonly string[]): readonly Schema[] {
  let schemas: readonly Schema[] = [root];
  for (const key of path) {
    schemas = schemas.flatMap(expand).flatMap((schema) => stepInto(schema, key));
  }
  return schemas.flatMap(expand);
}

function expand(schema: Schema): readonly Schema[] {
  return [schema, ...(schema.anyOf ?? []).flatMap(expand), ...(schema.items === undefined ? [] : expand(schema.items))];
}

function stepInto({ properties = {}, patternProperties = {} }: Schema, key: string): readonly Schema[] {
  const own = Object.hasOwn(properties, key) ? properties[key] : undefined;
  if (own !== undefined) return [own];
  return Object.entries(patternProperties).flatMap(([pattern, schema]) => (fitsPattern(pattern, key) ? [schema] : []));
}

function schemasAt(knowledge: Knowledge, path: readonly string[]): readonly Schema[] {
  const { schemas, outline } = knowledge;
  const root = outline?.version === 1 ? schemas?.v1 : schemas?.v2;
  const config = findConfig(knowledge, path);
  return [
    ...(root === undefined ? [] : findSchemas(root, path)),
    ...(config === undefined ? [] : findSchemas(config, path.slice(3))),
  ];
}

/** Returns the schema of the config that a path leads into, such as `tasks.app.config.source`. */
function findConfig({ outline, executors }: Knowledge, [first, name, key]: readonly string[]): Schema | undefined {
  if (first !== "tasks" || key !== "config") return undefined;
  const executor = outline?.tasks.find((task) => task.name === name)?.executor;
  const known = executors.find((each) => each.name === executor);
  return known?.documents?.[outline?.version === 1 ? "v1" : "v2"] ?? known?.config;
}

/** Completes keys and values from the schemas, the names of the document, executors and the words of CEL. */
export function createCompletion(know: () => Knowledge) {
  return (context: CompletionContext): CompletionResult | null => {
    const { state, pos, explicit } = context;
    const line = state.doc.lineAt(pos);
    const before = line.text.slice(0, pos - line.from);
    const word = /(?<![\w.$'"[\]-])[\w.$'"[\]-]*$/.exec(before)?.[0] ?? "";
    if (word === "" && !explicit) return null;
    const options = listOptions(know(), { state, line: line.number, before });
    if (options.length === 0) return null;
    const start = isExpression(before) ? (word.split(/[[\]'"]/).at(-1) ?? "") : word.replace(/^['"[]+/, "");
    return { from: pos - start.length, options: [...options], validFor: /^[\w.-]*$/ };
  };
}

interface Cursor {
  readonly state: EditorState;
  readonly line: number;
  readonly before: string;
}

function listOptions(knowledge: Knowledge, { state, line, before }: Cursor): readonly Completion[] {
  if (isExpression(before)) return listExpressionWords(knowledge);
  const lines = state.doc.toString().split("\n").slice(0, line);
  const value = /^\s*(?:- +)*(?:["']?)([^"':]+)(?:["']?)\s*:\s+[^{]*$/.exec(before);
  const indent = before.search(/[^\s-]|$/);
  const inFlow = /[{,]\s*([\w"'-]+)\s*:\s*[\w"'-]*$/.exec(before);
  const parents = pathAt(lines, line - 2, indent);
  const own = /^\s*(?:- +)*["']?([\w-]+)["']?\s*:/.exec(before)?.[1];
  if (inFlow !== null) return listValues(knowledge, [...parents, ...(own === undefined ? [] : [own]), inFlow[1] ?? ""]);
  if (value !== null) return listValues(knowledge, [...parents, value[1] ?? ""]);
  if (/[{,]\s*[\w-]*$/.test(before) && own !== undefined) return listKeys(knowledge, [...parents, own]);
  if (/^\s*- +[\w-]*$/.test(before)) return [...listValues(knowledge, parents), ...listKeys(knowledge, parents)];
  return listKeys(knowledge, parents);
}

function isExpression(before: string): boolean {
  return /\$\{[^}]*$/.test(before) || /\b(?:when|exclusive|allow)["']?\s*:\s*["']?[^,}]*$/.test(before);
}

function listKeys(knowledge: Knowledge, path: readonly string[]): readonly Completion[] {
  const described = schemasAt(knowledge, path).flatMap(({ properties = {} }) =>
    Object.entries(properties).map(([key, { description }]) => toKey(key, "property", description)),
  );
  const own = ownKeys(knowledge.outline, path.at(-1));
  return [...new Map([...described, ...own].map((option) => [option.label, option])).values()];
}

function ownKeys(outline: Outline | undefined, last: string | undefined): readonly Completion[] {
  if (last === "on") {
    const events = outline?.events.map(({ name }) => name) ?? [];
    return [...events, "NEXT", "FAILED", "TIMEOUT"].map((name) => toKey(name, "constant"));
  }
  return outline === undefined ? [] : listKeyNames(outline, [last ?? ""]).map((name) => toKey(name, "variable"));
}

/** Returns the names of the document that the keys of a map can be. */
export function listKeyNames({ metadata }: Outline, path: Path): readonly string[] {
  const last = path.at(-1);
  return path[2] !== "config" && (last === "set" || last === "outputs") ? metadata.map(({ name }) => name) : [];
}

function toKey(label: string, type: string, info?: string): Completion {
  return { label, type, apply: `${label}: `, ...defined({ info }) };
}

function listValues(knowledge: Knowledge, path: readonly string[]): readonly Completion[] {
  const { outline, executors } = knowledge;
  const last = path.at(-1) ?? "";
  const names = namesFor(knowledge, path, last);
  if (last === "executor") return executors.map(({ name }) => ({ label: name, type: "class" }));
  const choices = schemasAt(knowledge, path).flatMap(({ const: only, enum: many = [], type }) => [
    ...(only === undefined ? [] : [only]),
    ...many,
    ...(type === "boolean" ? ["true", "false"] : []),
  ]);
  const labels = new Set([...names, ...choices.filter((choice) => typeof choice === "string")]);
  return outline === undefined ? [] : [...labels].map((label) => ({ label, type: "constant" }));
}

/** Returns the names of the document that the value at a path, or an entry of its list, can be. */
export function listNames(outline: Outline, path: Path): readonly string[] {
  const key = path.findLast((each) => typeof each === "string") ?? "";
  // The content of a config under these keys is up to its executor.
  if (path[2] === "config" || path.length < 3 || !Object.hasOwn(NAMES, key)) return [];
  return NAMES[key]?.(outline) ?? [];
}

/** Which names of the document a key has as its value, or in its list. */
const NAMES: Readonly<Record<string, (outline: Outline) => readonly string[]>> = {
  state: ({ states }) => states.map(({ name }) => name),
  on: ({ states }) => [...states.map(({ name }) => name), "no-op"],
  event: ({ events }) => events.map(({ name }) => name),
  raise: ({ events }) => events.map(({ name }) => name),
  needs: ({ tasks }) => tasks.map(({ name }) => name),
  tasks: ({ tasks }) => tasks.map(({ name }) => name),
  target: ({ targets }) => targets,
  metadata: ({ metadata }) => metadata.map(({ name }) => name),
};

function namesFor({ outline }: Knowledge, path: readonly string[], last: string): readonly string[] {
  const key = path.at(-2) === "on" ? "on" : last;
  const list = path.length > 1 && Object.hasOwn(NAMES, key) ? NAMES[key] : undefined;
  return outline === undefined || list === undefined ? [] : list(outline);
}

const WORDS = [
  ["stack.id", "The stack's id"],
  ["stack.state", "The state before a reaction"],
  ["stack.previousState", "The state before that; null at first"],
  ["stack.createdAt", "When the stack was created"],
  ["stack.enteredAt", "When its state was entered"],
  ["event.name", "In reactions: the event"],
  ["now", "The instant of the decision"],
  ["has()", "True when a key has a value: has(metadata.image)"],
  ["size()", "The length of a text, list or map"],
  ["actor.id", "In allow: who sends the event"],
  ["actor.kind", "In allow: person, token, workload, …"],
  ["actor.groups", "In allow: the sender's groups"],
] as const;

function listExpressionWords({ outline }: Knowledge): readonly Completion[] {
  const member = (root: string, name: string) =>
    /^[A-Za-z_]\w*$/.test(name) ? `${root}.${name}` : `${root}['${name}']`;
  const words = WORDS.map(([label, info]) => ({ label, info, type: "variable" }));
  // The names of a text that was never valid are not known.
  if (outline === undefined) return words;
  return [
    ...words,
    ...outline.metadata.map(({ name }) => ({ label: member("metadata", name), type: "variable" })),
    ...outline.states.map(({ name }) => ({
      label: member("stack.visits", name),
      type: "constant",
      info: "How often the state was entered",
    })),
    ...outline.tasks.flatMap(({ name }) => [
      { label: `${member("tasks", name)}.outputs`, type: "variable" },
      { label: `${member("tasks", name)}.status`, type: "variable" },
    ]),
  ];
}

/** Explains the key or name at an offset. */
export function createHover(know: () => Knowledge) {
  return (state: EditorState, offset: number) => {
    const line = state.doc.lineAt(offset);
    const found = [...line.text.matchAll(/[\w-]+/g)].find(
      ({ index, 0: word }) => line.from + index <= offset && offset <= line.from + index + word.length,
    );
    if (found === undefined) return undefined;
    const [name] = found;
    const from = line.from + found.index;
    const lines = state.doc.toString().split("\n").slice(0, line.number);
    const path = pathAt(lines, line.number - 2, line.text.search(/[^\s-]|$/));
    const text = explain(know(), [...path, name], name);
    return text === undefined ? undefined : { from, to: from + name.length, text };
  };
}

function explain(knowledge: Knowledge, path: readonly string[], name: string): string | undefined {
  const described = schemasAt(knowledge, path).find(({ description }) => description !== undefined)?.description;
  if (described !== undefined) return described;
  const state = knowledge.outline?.states.find((each) => each.name === name);
  if (state !== undefined) {
    const tasks = state.tasks.length === 0 ? "no tasks" : `tasks ${state.tasks.join(", ")}`;
    return `State ${name}: ${tasks}; reacts to ${state.reactions.map(({ event }) => event).join(", ") || "nothing"}.`;
  }
  const task = knowledge.outline?.tasks.find((each) => each.name === name);
  if (task === undefined) return undefined;
  return `Task ${name}${task.executor === undefined ? "" : `, run by ${task.executor}`}.`;
}
