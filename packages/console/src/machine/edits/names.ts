import { renameMention } from "./expressions.ts";
import { locate, type Planning } from "./locate.ts";
import { toPlain } from "./model.ts";
import { EditRefused, type NameKind, type OperationOf, type Range } from "./operation.ts";
import { findReferences, type Reference } from "./references.ts";
import { itemAt, type Source, valueAt } from "./source.ts";
import type { Step } from "./step.ts";

/** The keys of the document under which names are declared. */
export const COLLECTIONS = {
  state: "states",
  event: "events",
  task: "tasks",
  metadata: "metadata",
  target: "targets",
} as const satisfies Record<NameKind, string>;

const WORDS = {
  state: "state",
  event: "event",
  task: "task",
  metadata: "metadata key",
  target: "target",
} as const satisfies Record<NameKind, string>;

const NAME = /^[A-Z0-9][A-Z0-9_-]{0,62}$/;
const OLD_NAME = /^[A-Z0-9-]+$/;

/**
 * Validates a new name.
 *
 * @throws EditRefused `edit-name` when the name is invalid for this kind, `edit-exists` when it exists.
 */
export function requireNewName({ source, version }: Planning, what: NameKind, name: string): void {
  const isStrict = what === "state" || what === "event";
  const rule = version === 2 ? NAME : OLD_NAME;
  const isValid = isStrict
    ? rule.test(name)
    : name !== "" && name.length <= 128 && !/\p{Cc}/u.test(name) && name !== "__proto__";
  if (!isValid) {
    const hint = isStrict ? "Use capitals, digits and hyphens." : "Use 1 to 128 characters.";
    throw new EditRefused("edit-name", `"${name}" cannot be the name of a ${WORDS[what]}. ${hint}`);
  }
  const declared = findDeclaration(findReferences(source), what, name);
  if (declared !== undefined) {
    throw new EditRefused("edit-exists", `The ${WORDS[what]} "${name}" exists already.`, { place: declared.range });
  }
}

/**
 * Returns the declaration of a name.
 *
 * @throws EditRefused `edit-missing` when the document declares no such name.
 */
export function requireDeclared(source: Planning["source"], what: NameKind, name: string): Reference {
  const declared = findDeclaration(findReferences(source), what, name);
  if (declared !== undefined) return declared;
  throw new EditRefused("edit-missing", `The document declares no ${WORDS[what]} "${name}".`);
}

function findDeclaration(references: readonly Reference[], what: NameKind, name: string): Reference | undefined {
  return references.find((reference) => reference.declares && reference.what === what && reference.name === name);
}

/**
 * Requires version 2.
 *
 * @throws EditRefused `edit-version` for features that version 1 lacks.
 */
export function requireVersion2({ version, source }: Planning, subject: string): void {
  if (version === 2) return;
  const at = valueAt(source.root, "version")?.range;
  const message = `Version 2 only: ${subject}. Upgrade the machine first.`;
  throw new EditRefused("edit-version", message, at && { place: at });
}

/** Adds an empty state. */
export function addState(planning: Planning, { name, after }: OperationOf<"add-state">): readonly Step[] {
  requireNewName(planning, "state", name);
  return [insertDeclaration(planning, "state", { name, value: {}, after })];
}

interface Declaration {
  readonly name: string;
  readonly value: Extract<Step, { kind: "insert-entry" }>["value"];
  readonly after?: string | undefined;
}

/** Inserts a new name under its key of the document; creates a missing key. */
export function insertDeclaration(planning: Planning, what: NameKind, { name, value, after }: Declaration): Step {
  const key = COLLECTIONS[what];
  const found = locate(planning, [key]);
  if (found === undefined) return { kind: "insert-entry", path: [], key, value: { [name]: value } };
  const step = { kind: "insert-entry", path: found.path, key: name, value } as const;
  return after === undefined ? step : { ...step, after };
}

/** Declares an event, in a list or a map, as the document has them. */
export function declareEvent(planning: Planning, name: string): readonly Step[] {
  requireNewName(planning, "event", name);
  const events = locate(planning, ["events"]);
  const isList = events === undefined ? planning.version === 1 : events.item.kind === "list";
  if (!isList) return [insertDeclaration(planning, "event", { name, value: {} })];
  if (events === undefined) return [{ kind: "insert-entry", path: [], key: "events", value: [name] }];
  const index = events.item.kind === "list" ? events.item.items.length : 0;
  return [{ kind: "insert-item", path: events.path, index, value: name }];
}

/** Renames what declares a name and everything that refers to it, in expressions too. */
export function rename(planning: Planning, { what, from, to, literals }: OperationOf<"rename">): readonly Step[] {
  const { source } = planning;
  const declared = requireDeclared(source, what, from);
  if (what === "state" && from === "INIT") {
    throw new EditRefused("edit-name", "Every stack begins in INIT; it cannot be renamed.", { place: declared.range });
  }
  if (what === "metadata" || what === "target") requireVersion2(planning, WORDS[what]);
  requireNewName(planning, what, to);
  const references = findReferences(source).filter(
    (each) => each.name === from && (each.what === what || (literals && each.what === "literal")),
  );
  const values = references.filter(({ form }) => form === "value");
  const keys = references.filter(({ form }) => form === "key").toSorted((a, b) => b.path.length - a.path.length);
  const mentions = Map.groupBy(
    references.filter(({ form }) => form === "expression"),
    ({ path }) => path.join("\n"),
  );
  return [
    ...values.map(({ path }): Step => ({ kind: "set", path, value: to })),
    ...[...mentions.values()].map((group) => renameInExpression(planning, group, to)),
    ...keys.map(({ path }): Step => ({ kind: "rename-key", path, to })),
  ];
}

/** Returns the expressions with texts that equal a name and may mean something else. */
export function listLiterals(source: Source, name: string): readonly Range[] {
  const literals = findReferences(source).filter((each) => each.what === "literal" && each.name === name);
  return [...new Map(literals.map(({ range }) => [range.from, range])).values()];
}

function renameInExpression({ source }: Planning, group: readonly Reference[], to: string): Step {
  const [{ path, range } = { path: [], range: { from: 0, to: 0 } }] = group;
  const item = itemAt(source, path);
  let value = item?.kind === "scalar" ? String(item.value) : "";
  // From the end, so that the places before stay where they are.
  for (const { mention } of group.toReversed()) {
    if (mention === undefined) continue;
    const { offset } = mention;
    const renamed = renameMention(value.slice(offset), mention, to);
    if (renamed === undefined) throw cannotWrite(to, range);
    value = value.slice(0, offset) + renamed;
  }
  return { kind: "set", path, value, expression: true };
}

function cannotWrite(name: string, place: Range): EditRefused {
  return new EditRefused("edit-escaped", `An expression cannot contain the name "${name}" here.`, { place });
}

/** Moves an entry behind another one of its kind, or to the front. */
export function move(planning: Planning, { what, name, after }: OperationOf<"move">): readonly Step[] {
  requireDeclared(planning.source, what, name);
  if (after !== undefined) requireDeclared(planning.source, what, after);
  const collection = locate(planning, [COLLECTIONS[what]]);
  if (collection === undefined || collection.item.kind === "scalar") return [];
  const names =
    collection.item.kind === "map"
      ? collection.item.entries.map(({ key }) => key)
      : collection.item.items.map(({ value }) => String(toPlain(value)));
  const others = names.filter((each) => each !== name);
  const to = after === undefined ? 0 : others.indexOf(after) + 1;
  const key = collection.item.kind === "map" ? name : names.indexOf(name);
  if (!names.includes(name) || names.indexOf(name) === to) return [];
  return [{ kind: "move", path: [...collection.path, key], to }];
}
