import { isAnchored, locate, type Planning } from "./locate.ts";
import { EditRefused, type OperationOf, type Path } from "./operation.ts";
import { setOwnKey } from "./reactions.ts";
import { toKind, writeValue } from "./set-value.ts";
import { findEntry, listMerged, type MapItem, valueAt } from "./source.ts";
import type { Step } from "./step.ts";

/**
 * Sets a key of a map in the place of others: the first of them that the map has becomes this one, where it stands and
 * with the comments of its lines, and the rest goes.
 */
export function chooseKey(planning: Planning, { path, value, instead }: OperationOf<"choose-key">): readonly Step[] {
  const owner = path.slice(0, -1);
  const key = String(path.at(-1));
  const map = locate(planning, owner);
  if (map?.item.kind !== "map") return writeValue(planning, path, value);
  const { item } = map;
  refuseMerged(item, instead);
  const [first, ...others] = instead.filter((each) => findEntry(item, each) !== undefined);
  if (first === undefined) return writeValue(planning, path, value);
  const remove = (each: string): Step => ({ kind: "remove", path: [...map.path, each] });
  if (valueAt(item, key) !== undefined) {
    return [...setOwnKey(planning, owner, key, value), ...[first, ...others].map(remove)];
  }
  return [...replaceEntry(planning, { path: map.path, item, first }, { key, value }), ...others.map(remove)];
}

/** A key that comes by a merge key cannot be taken from the map. */
function refuseMerged(map: MapItem, keys: readonly string[]): void {
  for (const key of keys) {
    const merged = listMerged(map).map((source) => valueAt(source, key));
    const place = merged.find((each) => each !== undefined)?.range;
    if (place) throw new EditRefused("edit-merged", `"${key}" comes by a merge key (<<).`, { place });
  }
}

interface Replaced {
  /** The path of the map. */
  readonly path: Path;
  readonly item: MapItem;
  readonly first: string;
}

function replaceEntry(
  { source }: Planning,
  { path, item, first }: Replaced,
  { key, value }: Pick<OperationOf<"choose-key">, "value"> & { readonly key: string },
): readonly Step[] {
  const entry = findEntry(item, first)?.entry;
  const here = [...path, first];
  // A value that other places use too is kept.
  if (entry === undefined || entry.alias !== undefined || isAnchored(source, entry.value)) {
    return [
      { kind: "insert-entry", path, key, value, after: first },
      { kind: "remove", path: here },
    ];
  }
  return [
    { kind: toKind({ item: entry.value, path: here }, value), path: here, value },
    { kind: "rename-key", path: here, to: key },
  ];
}
