import { setKey } from "./keys.ts";
import { type Located, locate, type Planning } from "./locate.ts";
import type { OperationOf, Path, Plain } from "./operation.ts";
import { setOwnKey, toListWith } from "./reactions.ts";
import type { Step } from "./step.ts";

/**
 * Sets or removes any value of a document. Maps and lists on the way that are missing are written, and those that a
 * removal leaves empty go too, except the parts of the machine themselves, such as `tasks.app`.
 */
export function setValue(planning: Planning, { path, value }: OperationOf<"set-value">): readonly Step[] {
  const [collection, name, key] = path;
  // Events in a list have no keys, so they become a map first.
  if (collection === "events" && path.length === 3) {
    return setKey(planning, { kind: "set-key", what: "event", name: String(name), key: String(key), value });
  }
  if (value === undefined) return removeValue(planning, path);
  return toListWith(planning, path, value) ?? writeValue(planning, path, value);
}

/** Sets a value, and writes the maps and lists on the way that are missing. */
export function writeValue(planning: Planning, path: Path, value: Plain): readonly Step[] {
  const owner = path.slice(0, -1);
  const key = path.at(-1) ?? "";
  const parent = locate(planning, owner);
  if (parent === undefined || !holds(parent, key)) return writeValue(planning, owner, wrap(key, value));
  if (typeof key === "string") return setOwnKey(planning, owner, key, value);
  const present = locate(planning, path);
  if (present !== undefined) return [{ kind: toKind(present, value), path: present.path, value }];
  return [{ kind: "insert-item", path: parent.path, index: countMembers(parent), value }];
}

/** Returns true for a map, list or empty value that can have this key. */
function holds({ item }: Located, key: string | number): boolean {
  if (item.kind === "scalar") return item.value === null;
  return typeof key === "number" ? item.kind === "list" : item.kind === "map";
}

function wrap(key: string | number, value: Plain): Plain {
  return typeof key === "number" ? [value] : { [key]: value };
}

/** Returns the step that replaces a value. */
export function toKind({ item }: Located, value: Plain): "set" | "replace" {
  return item.kind === "scalar" && (typeof value !== "object" || value === null) ? "set" : "replace";
}

/** The number of keys in a path that names a part of the machine, such as `tasks.app`. */
const NAMED = 2;

function removeValue(planning: Planning, path: Path): readonly Step[] {
  const owner = path.slice(0, -1);
  const key = path.at(-1) ?? "";
  const parent = locate(planning, owner);
  if (parent === undefined || locate(planning, path, true) === undefined) return [];
  if (owner.length > NAMED && countMembers(parent) === 1) return removeValue(planning, owner);
  return typeof key === "string"
    ? setOwnKey(planning, owner, key, undefined)
    : [{ kind: "remove", path: [...parent.path, key] }];
}

function countMembers({ item }: Located): number {
  if (item.kind === "list") return item.items.length;
  return item.kind === "map" ? item.members.length : 0;
}
