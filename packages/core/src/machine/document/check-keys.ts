import type { Field, MapNode } from "../tree.ts";
import { toFields } from "../tree.ts";
import { quote } from "../wording.ts";
import { type CompileContext, onKey, suggestOrList } from "./compile-context.ts";

/** The keys that a map may have, and what to say about others. */
export interface ClosedKeys {
  readonly known: readonly string[];
  readonly code: string;
  /** What the map is, such as `a state`. */
  readonly owner: string;
}

/** Refuses every key that is not among the known ones. */
export function checkKeys(context: CompileContext, map: Field<MapNode>, { known, code, owner }: ClosedKeys): void {
  for (const [key, field] of toFields(map)) {
    if (known.includes(key)) continue;
    context.problems.error(code, onKey(field), `${quote(key)} is no key of ${owner}.${suggestOrList(key, known)}`);
  }
}
