import { toPlain } from "./model.ts";
import { EditRefused, type Operation, type Path, type Range } from "./operation.ts";
import { findEntry, type Item, type Source } from "./source.ts";
import type { Step } from "./step.ts";

/** A value that an edit concerns. */
export interface Located {
  readonly item: Item;
  /** Where it is written, or will be when the steps before it are done. */
  readonly path: Path;
}

/** The facts for planning an operation. */
export interface Planning {
  readonly source: Source;
  readonly operation: Operation;
  readonly version: 1 | 2;
  /** Steps that copy merged values to where they are overridden. */
  readonly before: Step[];
}

/**
 * Finds the value at keys from the root, for an edit inside it, or, with `entry`, of the entry itself.
 *
 * @throws EditRefused `edit-shared` behind an alias or in an anchor that has aliases, `edit-merged` where a merge brings it.
 */
export function locate(planning: Planning, keys: Path, entry = false): Located | undefined {
  let here: Walked = { item: planning.source.root, path: [], copied: false };
  for (const [depth, key] of keys.entries()) {
    const next = stepInto(here.item, key);
    if (next === undefined) return undefined;
    here = walkInto(planning, here, { ...next, key, checked: !(entry && depth === keys.length - 1) });
  }
  return here;
}

interface Walked extends Located {
  /** From here on it is a copy of what a merge brings. */
  readonly copied: boolean;
}

function walkInto(
  planning: Planning,
  { path, copied }: Walked,
  { key, value, alias, merged, checked }: Next & { readonly key: string | number; readonly checked: boolean },
): Walked {
  const here = [...path, key];
  if (copied) return { item: value, path: here, copied };
  if (merged) override(planning, { path, key: String(key), value });
  else if (checked && (alias !== undefined || isAnchored(planning.source, value))) refuseShared(planning, value, alias);
  return { item: value, path: merged || alias === undefined ? here : value.path, copied: merged };
}

interface Next {
  readonly value: Item;
  readonly alias: Range | undefined;
  readonly merged: boolean;
}

function stepInto(item: Item, key: string | number): Next | undefined {
  if (item.kind === "list") {
    const element = item.items[Number(key)];
    return element && { ...element, merged: false };
  }
  if (item.kind === "scalar") return undefined;
  const found = findEntry(item, String(key));
  if (found === undefined) return undefined;
  const { value, alias } = found.entry;
  return { value, alias, merged: found.owner !== item };
}

/** Returns true for a value with aliases. */
export function isAnchored({ aliases }: Source, { anchor }: Item): boolean {
  return anchor !== undefined && (aliases.get(anchor)?.length ?? 0) > 0;
}

function refuseShared({ source, operation }: Planning, item: Item, alias: Range | undefined): void {
  if (operation.shared) return;
  const places = [item.range, ...(source.aliases.get(item.anchor ?? "") ?? [])];
  const count = places.length;
  const message = `This value has the anchor &${item.anchor} and is used in ${count} places.`;
  throw new EditRefused("edit-shared", message, {
    place: alias ?? item.range,
    offers: [{ label: `Edit shared value (${count} places)`, operation: { ...operation, shared: true }, places }],
  });
}

interface Overriding {
  readonly path: Path;
  readonly key: string;
  readonly value: Item;
}

function override({ operation, before }: Planning, { path, key, value }: Overriding): void {
  if (!operation.override) {
    throw new EditRefused("edit-merged", `"${key}" comes by a merge key (<<).`, {
      place: value.range,
      offers: [{ label: "Override here", operation: { ...operation, override: true } }],
    });
  }
  before.push({ kind: "insert-entry", path, key, value: toPlain(value) });
}
