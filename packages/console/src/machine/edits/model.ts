import type { Path, Plain } from "./operation.ts";
import { allEntries, type Element, type Item, type MapItem, ownEntries } from "./source.ts";
import type { Step } from "./step.ts";

/**
 * A document's value that steps change. Values behind aliases are shared objects, so a change is visible wherever they
 * are used.
 */
type Model = MapModel | ListModel | ScalarModel;

interface MapModel {
  readonly kind: "map";
  readonly entries: (readonly [key: string, slot: Slot])[];
  readonly merges: Slot[];
}

interface ListModel {
  readonly kind: "list";
  readonly items: Slot[];
}

interface ScalarModel {
  readonly kind: "scalar";
  readonly value: string | number | boolean | null;
}

/** The place of a value; aliases share the place of their anchor. */
interface Slot {
  model: Model;
}

/** Copies a document's value, so that steps can be applied to it. */
export function toModel(root: MapItem): Slot {
  const slots = new Map<Item, Slot>();
  const copy = (item: Item): Slot => {
    const known = slots.get(item);
    if (known !== undefined) return known;
    const slot: Slot = { model: { kind: "scalar", value: null } };
    slots.set(item, slot);
    slot.model = copyItem(item, copy);
    return slot;
  };
  return copy(root);
}

function copyItem(item: Item, copy: (item: Item) => Slot): Model {
  const of = ({ value }: Element) => copy(value);
  if (item.kind === "list") return { kind: "list", items: item.items.map(of) };
  if (item.kind === "scalar") return { kind: "scalar", value: item.value };
  const entries = ownEntries(item).map((entry) => [entry.key, of(entry)] as const);
  return { kind: "map", entries, merges: item.merges.map(copy) };
}

function fromPlain(value: Plain): Slot {
  if (Array.isArray(value)) return { model: { kind: "list", items: value.map(fromPlain) } };
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, inner]) => [key, fromPlain(inner)] as const);
    return { model: { kind: "map", entries, merges: [] } };
  }
  return { model: { kind: "scalar", value: value as ScalarModel["value"] } };
}

/** Applies a step to a value: what the text must mean after it. */
export function applyStep(root: Slot, step: Step): void {
  if (step.kind === "set" || step.kind === "replace") replaceModel(root, step.path, step.value);
  else if (step.kind === "insert-entry") insertEntry(find(root, step.path), step);
  else if (step.kind === "insert-item") insertItem(find(root, step.path), step.index, step.value);
  else if (step.kind !== "to-block") changeMembers(root, step);
}

function replaceModel(root: Slot, path: Path, value: Plain): void {
  find(root, path).model = fromPlain(value).model;
}

function insertEntry(slot: Slot, step: Extract<Step, { kind: "insert-entry" }>): void {
  if (isNothing(slot)) slot.model = { kind: "map", entries: [], merges: [] };
  const { model } = slot;
  if (model.kind !== "map") throw new TypeError("An entry needs a map.");
  const index = step.after === undefined ? -1 : model.entries.findIndex(([key]) => key === step.after);
  model.entries.splice(index === -1 ? model.entries.length : index + 1, 0, [step.key, fromPlain(step.value)]);
}

/** Returns true if nothing is written, where a map or list begins with its first member. */
function isNothing({ model }: Slot): boolean {
  return model.kind === "scalar" && model.value === null;
}

function insertItem(slot: Slot, index: number, value: Plain): void {
  if (isNothing(slot)) slot.model = { kind: "list", items: [] };
  const { model } = slot;
  if (model.kind !== "list") throw new TypeError("An item needs a list.");
  model.items.splice(index, 0, fromPlain(value));
}

function changeMembers(root: Slot, step: Extract<Step, { kind: "rename-key" | "remove" | "move" }>): void {
  const { model } = find(root, step.path.slice(0, -1));
  const key = step.path.at(-1) ?? "";
  if (model.kind === "list") changeMember(model.items, Number(key), step);
  if (model.kind !== "map") return;
  const index = model.entries.findIndex(([name]) => name === key);
  const slot = model.entries[index]?.[1];
  if (step.kind === "rename-key" && slot !== undefined) model.entries[index] = [step.to, slot];
  else changeMember(model.entries, index, step);
}

function changeMember<Member>(members: Member[], index: number, step: Step): void {
  const taken = members.splice(index, 1);
  if (step.kind === "move") members.splice(step.to, 0, ...taken);
}

function find(root: Slot, path: Path): Slot {
  let slot: Slot | undefined = root;
  for (const key of path) {
    const model: Model | undefined = slot?.model;
    if (model?.kind === "list") slot = model.items[Number(key)];
    else if (model?.kind === "map") slot = findSlot(model, String(key));
    else slot = undefined;
  }
  if (slot === undefined) throw new TypeError(`The document has no ${path.join(".")}.`);
  return slot;
}

function findSlot({ entries, merges }: MapModel, key: string): Slot | undefined {
  return (
    entries.find(([name]) => name === key)?.[1] ?? (key.startsWith("<<") ? merges[Number(key.slice(2))] : undefined)
  );
}

/**
 * Returns a function that maps equivalent documents to equal numbers: aliases and merges resolved, the first of
 * duplicate keys, everything in order. Shared values are compared once.
 */
export function createComparison(): (root: Slot) => number {
  const ids = new Map<string, number>();
  return ({ model }) => idOf({ ids, known: new Map(), resolved: new Map() }, model);
}

interface Comparison {
  /** By the text of a value in which inner values are their numbers. */
  readonly ids: Map<string, number>;
  readonly known: Map<Model, number>;
  readonly resolved: Map<MapModel, ReadonlyMap<string, Slot>>;
}

function idOf(comparison: Comparison, model: Model): number {
  const before = comparison.known.get(model);
  if (before !== undefined) return before;
  const text = toText(comparison, model);
  const id = comparison.ids.get(text) ?? comparison.ids.size;
  comparison.ids.set(text, id);
  comparison.known.set(model, id);
  return id;
}

function toText(comparison: Comparison, model: Model): string {
  if (model.kind === "scalar") return JSON.stringify(model.value);
  if (model.kind === "list") return `[${model.items.map((slot) => idOf(comparison, slot.model)).join(",")}]`;
  const entries = [...resolveMap(comparison, model)];
  return `{${entries.map(([key, slot]) => `${JSON.stringify(key)}:${idOf(comparison, slot.model)}`).join(",")}}`;
}

function resolveMap(comparison: Comparison, map: MapModel): ReadonlyMap<string, Slot> {
  const before = comparison.resolved.get(map);
  if (before !== undefined) return before;
  const merged = map.merges.flatMap(({ model }) =>
    model.kind === "list" ? model.items.map((slot) => slot.model) : model,
  );
  const sources = merged.flatMap((source) => (source.kind === "map" ? [...resolveMap(comparison, source)] : []));
  const entries = new Map<string, Slot>();
  for (const [key, slot] of [...map.entries, ...sources]) if (!entries.has(key)) entries.set(key, slot);
  comparison.resolved.set(map, entries);
  return entries;
}

/** Returns a value as JSON, with aliases and merges written out. */
export function toPlain(item: Item): Plain {
  if (item.kind === "scalar") return item.value;
  if (item.kind === "list") return item.items.map(({ value }) => toPlain(value));
  return Object.fromEntries(allEntries(item).map(({ key, value }) => [key, toPlain(value)]));
}
