import { findExpressions, findMentions, type Mention } from "./expressions.ts";
import type { NameKind, Path, Range } from "./operation.ts";
import { type Entry, everyEntry, type Item, mapAt, type Source, valueAt } from "./source.ts";

/** A place that names a state, event, task, metadata key or target. */
export interface Reference {
  readonly what: NameKind | "literal";
  readonly name: string;
  /** The path of the key or value, as written. */
  readonly path: Path;
  /** `key` of a map, a whole `value`, or part of an expression. */
  readonly form: "key" | "value" | "expression";
  readonly range: Range;
  /** True for the place that declares the name. */
  readonly declares: boolean;
  /** The mention in an expression: where it begins in the scalar's value, and the name in it. */
  readonly mention?: Mention & { readonly offset: number };
}

interface Walk {
  readonly found: Map<string, Reference>;
  readonly version: 1 | 2;
}

/** Returns the version of a document; 1 by default, as in core. */
export function versionOf({ root }: Source): 1 | 2 {
  const version = valueAt(root, "version");
  return version?.kind === "scalar" && version.value === 2 ? 2 : 1;
}

/** Returns every name of a machine, with what declares it first. Shared values are listed once, where they are written. */
export function findReferences(source: Source): readonly Reference[] {
  const { root } = source;
  const walk: Walk = { found: new Map(), version: versionOf(source) };
  walkEvents(walk, valueAt(root, "events"));
  for (const entry of entriesAt(root, "metadata")) addKey(walk, "metadata", entry, true);
  for (const entry of entriesAt(root, "targets")) {
    addKey(walk, "target", entry, true);
    addTemplates(walk, entry.value);
  }
  for (const entry of entriesAt(root, "states")) {
    addKey(walk, "state", entry, true);
    walkState(walk, entry.value);
  }
  for (const entry of entriesAt(root, "tasks")) {
    addKey(walk, "task", entry, true);
    walkTask(walk, entry.value);
  }
  return [...walk.found.values()].toSorted(
    (a, b) => Number(b.declares) - Number(a.declares) || a.range.from - b.range.from,
  );
}

function entriesAt(item: Item | undefined, key: string): readonly Entry[] {
  const map = mapAt(item, key);
  return map === undefined ? [] : everyEntry(map);
}

function itemsAt(item: Item | undefined, key: string): readonly Item[] {
  const list = valueAt(item, key);
  return list?.kind === "list" ? list.items.map(({ value }) => value) : [];
}

function walkEvents(walk: Walk, events: Item | undefined): void {
  if (events?.kind === "list") for (const { value } of events.items) addValue(walk, "event", value, true);
  if (events?.kind !== "map") return;
  for (const entry of everyEntry(events)) {
    addKey(walk, "event", entry, true);
    for (const item of itemsAt(entry.value, "metadata")) addValue(walk, "metadata", item);
    addExpression(walk, valueAt(entry.value, "allow"), true);
  }
}

function walkState(walk: Walk, state: Item): void {
  const tasks = [...itemsAt(state, "tasks"), ...itemsAt(state, "approved")];
  for (const item of tasks) addValue(walk, "task", item);
  for (const item of itemsAt(state, "after")) {
    addValue(walk, "event", valueAt(item, "event"));
    addTemplates(walk, valueAt(item, "at"));
  }
  for (const entry of entriesAt(state, "on")) {
    addKey(walk, "event", entry);
    const { value } = entry;
    if (value.kind === "scalar" && value.value !== "no-op") addValue(walk, "state", value);
    for (const { value: item } of value.kind === "list" ? value.items : []) walkReaction(walk, item);
  }
}

function walkReaction(walk: Walk, item: Item): void {
  addValue(walk, "state", valueAt(item, "state"));
  addExpression(walk, valueAt(item, "when"), true);
  addValue(walk, "event", valueAt(item, "raise"));
  for (const set of entriesAt(item, "set")) {
    addKey(walk, "metadata", set);
    addTemplates(walk, set.value);
  }
}

function walkTask(walk: Walk, task: Item): void {
  addValue(walk, "target", valueAt(task, "target"));
  for (const item of itemsAt(task, "needs")) addValue(walk, "task", item);
  for (const entry of entriesAt(task, "outputs")) addKey(walk, "metadata", entry);
  for (const key of ["when", "exclusive"]) addExpression(walk, valueAt(task, key), true);
  addTemplates(walk, valueAt(task, "config"));
}

function addKey(walk: Walk, what: NameKind, { key, keyRange, path }: Entry, declares = false): void {
  add(walk, { what, name: key, path, form: "key", range: keyRange, declares });
}

function addValue(walk: Walk, what: NameKind, item: Item | undefined, declares = false): void {
  if (item?.kind !== "scalar" || item.value === null) return;
  const name = typeof item.value === "string" ? item.value : (item.node?.source ?? String(item.value));
  add(walk, { what, name, path: item.path, form: "value", range: item.range, declares });
}

function addTemplates(walk: Walk, item: Item | undefined, seen: ReadonlySet<Item> = new Set()): void {
  if (item === undefined || seen.has(item)) return;
  if (item.kind === "scalar") addExpression(walk, item, false);
  else {
    const children = item.kind === "map" ? everyEntry(item) : item.items;
    for (const { value } of children) addTemplates(walk, value, new Set([...seen, item]));
  }
}

function addExpression(walk: Walk, item: Item | undefined, whole: boolean): void {
  if (walk.version === 1 || item?.kind !== "scalar" || typeof item.value !== "string") return;
  for (const { source, from: offset } of findExpressions(item.value, whole)) {
    for (const mention of findMentions(source)) {
      const { what, name } = mention;
      const { path, range } = item;
      add(walk, { what, name, path, form: "expression", range, declares: false, mention: { ...mention, offset } });
    }
  }
}

function add({ found }: Walk, reference: Reference): void {
  const { form, range, mention } = reference;
  const key = `${form} ${range.from} ${mention === undefined ? "" : mention.offset + mention.from}`;
  if (!found.has(key)) found.set(key, reference);
}
