import { type CompileContext, onKey, suggestOrList } from "./compile-context.ts";
import { type Field, type MapNode, toFields } from "./tree.ts";
import { quote } from "./wording.ts";

/** The keys that a map may have, and what to say about others. */
export interface ClosedKeys {
  readonly known: readonly string[];
  readonly code: string;
  /** What the map is, such as `a state`. */
  readonly owner: string;
  /** Keys that version 2 has here, for a document of version 1. */
  readonly newer?: readonly string[];
}

/** Refuses every key that is not among the known ones. */
export function checkKeys(
  context: CompileContext,
  map: Field<MapNode>,
  { known, code, owner, newer = [] }: ClosedKeys,
): void {
  for (const [key, field] of toFields(map)) {
    if (known.includes(key)) continue;
    const advice = newer.includes(key) ? ADVICE_TO_UPGRADE : suggestOrList(key, known);
    context.problems.error(code, onKey(field), `${quote(key)} is no key of ${owner}.${advice}`);
  }
}

/** The end of a message about words of version 2 in a document of version 1. */
export const ADVICE_TO_UPGRADE =
  ' Version 2 has it: write "version: 2", or let "stackyard machines upgrade FILE" rewrite this document.';

/** The end of a message about a key at the top of a document. */
export function adviseTopLevel(key: string, known: readonly string[]): string {
  return /^x[-_]/i.test(key) ? ' Keys of your own begin with "x-".' : suggestOrList(key, [...known, "x-…"]);
}
