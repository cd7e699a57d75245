import { defined } from "@stackyard/core";
import { toPlain } from "./edits/model.ts";
import type { Plain, Range } from "./edits/operation.ts";
import { findReferences, versionOf } from "./edits/references.ts";
import { allEntries, type Entry, type Item, mapAt, readSource, type Source, valueAt } from "./edits/source.ts";

/** One way in which a state reacts to an event. */
export interface OutlineReaction extends Range {
  readonly event: string;
  /** The index of an entry of a list. */
  readonly index?: number;
  readonly when?: string;
  /** A state, or `no-op`. */
  readonly target?: string;
  readonly set?: Readonly<Record<string, Plain>>;
  /** The event that follows in the same commit. */
  readonly raise?: string;
}

/** A state as written. */
export interface OutlineState extends Range {
  readonly name: string;
  /** The range of its name. */
  readonly key: Range;
  readonly tasks: readonly string[];
  /** The keys of each event that it sends itself. */
  readonly timers: readonly Readonly<Record<string, Plain>>[];
  readonly reactions: readonly OutlineReaction[];
  /** Its keys with scalar values, such as `timeout`. */
  readonly keys: Readonly<Record<string, Plain>>;
}

/** A task as written. */
export interface OutlineTask extends Range {
  readonly name: string;
  readonly value: Plain;
  readonly executor?: string;
}

/** A metadata key with its rule, as far as a form needs it. */
export interface OutlineMetadata {
  readonly name: string;
  readonly rule: Plain;
}

/** The declarations of a text and their places, also when the machine has errors. */
export interface Outline {
  readonly version: 1 | 2;
  readonly description?: string;
  readonly states: readonly OutlineState[];
  readonly tasks: readonly OutlineTask[];
  /** With the metadata keys that each must bring. */
  readonly events: readonly { readonly name: string; readonly metadata: readonly string[] }[];
  readonly metadata: readonly OutlineMetadata[];
  readonly targets: readonly string[];
  /** The whole document as JSON. What aliases share is one object, so that it has no more nodes than the text. */
  readonly value: Plain;
}

/** Returns what a text declares; undefined when it is not YAML. */
export function toOutline(text: string): Outline | undefined {
  try {
    return readOutline(readSource(text));
  } catch {
    return undefined;
  }
}

function readOutline(source: Source): Outline {
  const { root } = source;
  const description = textAt(root, "description");
  const declared = findReferences(source).filter(({ declares }) => declares);
  const of = (kind: string) => [...new Set(declared.flatMap(({ what, name }) => (what === kind ? [name] : [])))];
  return {
    version: versionOf(source),
    ...defined({ description }),
    states: entriesAt(root, "states").map(toState),
    tasks: entriesAt(root, "tasks").map(toTask),
    events: of("event").map((name) => ({
      name,
      metadata: textsAt(valueAt(valueAt(root, "events"), name), "metadata"),
    })),
    metadata: entriesAt(root, "metadata").map(({ key, value }) => ({ name: key, rule: toPlain(value) })),
    targets: of("target"),
    value: toShared(root),
  };
}

function toShared(root: Item): Plain {
  const known = new Map<Item, Plain>();
  const copy = (item: Item): Plain => {
    const before = known.get(item);
    if (before !== undefined) return before;
    const value = copyItem(item, copy);
    known.set(item, value);
    return value;
  };
  return copy(root);
}

function copyItem(item: Item, copy: (item: Item) => Plain): Plain {
  if (item.kind === "scalar") return item.value;
  if (item.kind === "list") return item.items.map(({ value }) => copy(value));
  return Object.fromEntries(allEntries(item).map(({ key, value }) => [key, copy(value)]));
}

function toTask(entry: Entry): OutlineTask {
  const executor = textAt(entry.value, "executor");
  return {
    name: entry.key,
    value: toPlain(entry.value),
    ...defined({ executor }),
    ...rangeOf(entry),
  };
}

function entriesAt(item: Item | undefined, key: string): readonly Entry[] {
  const map = mapAt(item, key);
  return map === undefined ? [] : allEntries(map);
}

function textAt(item: Item | undefined, key: string): string | undefined {
  const value = valueAt(item, key);
  return value?.kind === "scalar" && value.value !== null ? String(value.value) : undefined;
}

function textsAt(item: Item | undefined, key: string): readonly string[] {
  const list = valueAt(item, key);
  const items = list?.kind === "list" ? list.items : [];
  return items.flatMap(({ value }) => (value.kind === "scalar" && value.value !== null ? [String(value.value)] : []));
}

function rangeOf({ keyRange, value, alias }: Entry): Range {
  return { from: keyRange.from, to: Math.max(keyRange.to, alias?.to ?? value.range.to) };
}

function toState(entry: Entry): OutlineState {
  const { key: name, keyRange, value } = entry;
  const after = valueAt(value, "after");
  return {
    name,
    key: keyRange,
    tasks: textsAt(value, "tasks"),
    timers: (after?.kind === "list" ? after.items : []).map((item) => toScalars(item.value)),
    reactions: entriesAt(value, "on").flatMap(toReactions),
    keys: toScalars(value),
    ...rangeOf(entry),
  };
}

function toScalars(item: Item): Readonly<Record<string, Plain>> {
  const entries = item.kind === "map" ? allEntries(item) : [];
  return Object.fromEntries(
    entries.flatMap(({ key, value }) => (value.kind === "scalar" ? [[key, value.value] as const] : [])),
  );
}

function toReactions(entry: Entry): readonly OutlineReaction[] {
  const { key: event, value } = entry;
  if (value.kind === "scalar") {
    return [{ event, ...(value.value !== null && { target: String(value.value) }), ...rangeOf(entry) }];
  }
  if (value.kind !== "list") return [];
  return value.items.map((item, index) => {
    const [when, action, raise] = ["when", "action", "raise"].map((key) => textAt(item.value, key));
    const set = mapAt(item.value, "set");
    const target = textAt(item.value, "state") ?? (action === "no-op" ? "no-op" : undefined);
    return {
      event,
      index,
      ...defined({ when, target }),
      ...(set !== undefined && { set: toPlain(set) as Readonly<Record<string, Plain>> }),
      ...defined({ raise }),
      ...(item.alias ?? item.value.range),
    };
  });
}
