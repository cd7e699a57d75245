import { isAnchored, locate, type Planning } from "./locate.ts";
import { requireDeclared } from "./names.ts";
import { EditRefused, type NameKind, type OperationOf, type Path, type Range } from "./operation.ts";
import { findReferences, type Reference } from "./references.ts";
import { type Entry, entryAt, findEntry, itemAt, listMerged, membersOf, type Source } from "./source.ts";
import type { Step } from "./step.ts";

/** The parts that are removed with a deleted name. */
export interface Removal {
  readonly place: Range;
  /** Keys and indexes of what goes. */
  readonly path: Path;
}

/** Lists what is removed with a name, and the expressions that use it: those prevent a deletion. */
export function listRemovals(
  source: Source,
  what: NameKind,
  name: string,
): { readonly removed: readonly Removal[]; readonly blocked: readonly Range[] } {
  const own = requireDeclared(source, what, name);
  const references = findReferences(source).filter((each) => each.what === what && each.name === name);
  const inside = ({ path }: Reference) => own.form === "key" && startsWith(path, own.path);
  const blocked = references.filter((each) => each.form === "expression" && !inside(each));
  // Values that only the deleted part uses are not shared any more.
  const left = { ...source, aliases: listAliasesOutside(source, own.path) };
  const paths = references.flatMap((each) => {
    if (each.form === "expression" || (inside(each) && each !== own)) return [];
    return [collapse(left, ownerOf(each))];
  });
  const merged = mergeEmptied(left, paths);
  return {
    removed: merged.map((path) => ({ path, place: placeOf(source, path) })),
    blocked: blocked.map(({ range }) => range),
  };
}

function listAliasesOutside(source: Source, path: Path): Source["aliases"] {
  const item = itemAt(source, path);
  // A value behind an alias is written elsewhere, and stays.
  const isHere = item?.path.join("\n") === path.join("\n");
  const isOutside = ({ from }: Range) => !isHere || from < item.range.from || from >= item.range.to;
  return new Map([...source.aliases].map(([anchor, places]) => [anchor, places.filter(isOutside)]));
}

function startsWith(path: Path, head: Path): boolean {
  return path.length > head.length && head.every((key, index) => key === path[index]);
}

/** Returns the range from the key of an entry, or the beginning of an item. */
function placeOf(source: Source, path: Path): Range {
  const entry = entryAt(source, path);
  const range = entry?.alias ?? itemAt(source, path)?.range ?? { from: 0, to: 0 };
  return { from: entry?.keyRange.from ?? range.from, to: range.to };
}

/**
 * Returns the owner of a reference, which is useless without it: an entry of a list of reactions, a timer, a task's
 * target, or itself.
 */
function ownerOf({ what, form, path, declares }: Reference): Path {
  const isInItem = form === "value" && typeof path.at(-1) === "string" && typeof path.at(-2) === "number";
  // An entry that raises an event also has another purpose.
  const isWhole = isInItem && path.at(-1) !== "raise";
  return !declares && isWhole && (what === "state" || what === "event") ? path.slice(0, -1) : path;
}

const COLLAPSING = new Set(["on", "after", "tasks", "approved", "needs", "set", "outputs", "metadata"]);

/** Returns true for maps and lists that are removed when they become empty. */
function mayCollapse(source: Source, path: Path): boolean {
  const key = path.at(-1);
  if (findHidden(source, path) !== undefined) return false;
  // Entries of a template are merged into a map, such as reactions into `on`.
  const isReaction = path.at(-2) === "on" || (path.length === 2 && String(path[0]).startsWith("x-"));
  return path.length > 1 && typeof key === "string" && (COLLAPSING.has(key) || isReaction);
}

/** Returns the entry of a merge that would apply without an entry of the map itself. */
function findHidden(source: Source, path: Path): Entry | undefined {
  const map = itemAt(source, path.slice(0, -1));
  if (map?.kind !== "map" || entryAt(source, path) === undefined) return undefined;
  const [hidden] = listMerged(map).flatMap((each) => findEntry(each, String(path.at(-1)))?.entry ?? []);
  return hidden;
}

function collapse(source: Source, path: Path): Path {
  const parent = path.slice(0, -1);
  const item = itemAt(source, parent);
  return item !== undefined && membersOf(item).length === 1 && mayCollapse(source, parent) && !isAnchored(source, item)
    ? collapse(source, parent)
    : path;
}

/** Replaces the removal of all members by the removal of their map or list. */
function mergeEmptied(source: Source, paths: readonly Path[]): readonly Path[] {
  const unique = [...new Map(paths.map((path) => [path.join("\n"), path])).values()];
  const outer = unique.filter((path) => !unique.some((other) => startsWith(path, other)));
  const groups = Map.groupBy(outer, (path) => path.slice(0, -1).join("\n"));
  const full = [...groups.values()].find(([first, ...rest]) => {
    const parent = (first ?? []).slice(0, -1);
    const item = itemAt(source, parent);
    if (rest.length === 0 || item === undefined || isAnchored(source, item)) return false;
    return membersOf(item).length === rest.length + 1 && mayCollapse(source, parent);
  });
  if (full?.[0] === undefined) return outer;
  const parent = full[0].slice(0, -1);
  return mergeEmptied(source, [...outer.filter((path) => !full.includes(path)), collapse(source, parent)]);
}

/** Deletes what declares a name, with reactions, list items and keys that refer to it. */
export function remove(planning: Planning, { what, name }: OperationOf<"remove">): readonly Step[] {
  const { source } = planning;
  const own = requireDeclared(source, what, name);
  if (what === "state" && name === "INIT") {
    throw new EditRefused("edit-name", "Every stack begins in INIT; it cannot be deleted.", { place: own.range });
  }
  const { removed, blocked } = listRemovals(source, what, name);
  const [place] = blocked;
  if (place !== undefined) {
    const message = `An expression mentions "${name}". Change the expression first.`;
    throw new EditRefused("edit-referenced", message, { place });
  }
  // Its own declaration first: the others may be shared with it only.
  const others = removed.filter(({ path }) => path.join("\n") !== own.path.join("\n"));
  return [
    { kind: "remove", path: own.path },
    ...toSteps(
      source,
      others.map(({ path }) => path),
    ),
  ];
}

/** Deletes a reaction, or one entry of it, and keys that it leaves empty. */
export function removeReaction(
  planning: Planning,
  { state, event, index }: OperationOf<"remove-reaction">,
): readonly Step[] {
  const keys = ["states", state, "on", event];
  const map = locate(planning, keys.slice(0, -1));
  const found = index === undefined ? map && locate(planning, keys, true) : locate(planning, [...keys, index]);
  if (map === undefined || found === undefined) {
    throw new EditRefused("edit-missing", `${state} has no such reaction to ${event}.`);
  }
  const path = index === undefined ? [...map.path, event] : found.path;
  const hidden = index === undefined ? findHidden(planning.source, path) : undefined;
  if (hidden !== undefined) {
    const message = `Without this reaction, the one to ${event} that a merge brings would count. Change its target instead.`;
    throw new EditRefused("edit-merged", message, { place: hidden.keyRange });
  }
  return toSteps(planning.source, [planning.before.length > 0 ? path : collapse(planning.source, path)]);
}

/** Returns the steps from the end, so that earlier indexes stay valid. */
function toSteps(source: Source, paths: readonly Path[]): readonly Step[] {
  refuseEmptied(source, paths);
  const places = paths.map((path) => ({ path, from: placeOf(source, path).from }));
  return places.toSorted((a, b) => b.from - a.from).map(({ path }) => ({ kind: "remove", path }));
}

/** Rejects a reaction without entries: it ignores its event, which changes the machine. */
function refuseEmptied(source: Source, paths: readonly Path[]): void {
  for (const group of Map.groupBy(paths, (path) => path.slice(0, -1).join("\n")).values()) {
    const parent = group[0]?.slice(0, -1) ?? [];
    const item = itemAt(source, parent);
    if (item?.kind !== "list" || !isAnchored(source, item) || item.items.length > group.length) continue;
    if (item.items.every(({ value }) => value.kind === "scalar")) continue;
    const message = `Nothing would be left of the reaction &${item.anchor}, which is used in other places. Delete those first.`;
    throw new EditRefused("edit-shared", message, { place: source.aliases.get(item.anchor ?? "")?.[0] ?? item.range });
  }
}
