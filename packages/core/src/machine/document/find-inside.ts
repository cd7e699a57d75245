import { type Field, findField, isListField, isMapField, type Path, toItems } from "./tree.ts";

/** The field that keys lead to from another one; where they end early, the last that there is. */
export function findInside(field: Field, path: Path): Field {
  let inner = field;
  for (const key of path) {
    const next = isMapField(inner)
      ? findField(inner, key)
      : isListField(inner)
        ? toItems(inner)[Number(key)]
        : undefined;
    if (next === undefined) return inner;
    inner = next;
  }
  return inner;
}
