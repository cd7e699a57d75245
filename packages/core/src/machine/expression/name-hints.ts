import { findNearestName } from "../document/nearest-name.ts";
import { quote } from "../document/wording.ts";
import type { ExpressionPlace } from "./expression-place.ts";

/** The variables of expressions. */
const VARIABLES = ["stack", "metadata", "event", "tasks", "now"] as const;

// Text that somebody wrote without the inner quotes: `shared-db`, `db/main`.
const BARE_TEXT = /^[A-Za-z0-9_][\w./:@ -]*$/;

/** The end of a message about a name that is no variable: what was probably meant. */
export function hintRoot(name: string, source: string, place: ExpressionPlace): string {
  const key = place.metadata.declared.has(name) ? `metadata.${name}` : undefined;
  const nearest = key ?? findNearestName(name, VARIABLES);
  const meant = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
  return `${meant}${hintQuotes(source)}` || ` Known are ${VARIABLES.join(", ")}.`;
}

/** Proposes inner quotes where the whole source looks like plain text. */
export function hintQuotes(source: string): string {
  const text = source.trim();
  if (!BARE_TEXT.test(text) || text.length > 60) return "";
  return ` A fixed text needs quotes of its own inside those of YAML: "'${text}'".`;
}

/**
 * The name with hyphens that stands at a place behind a dot, such as `CLEAN-UP`; undefined when there is none. CEL takes
 * the hyphen for a minus.
 */
export function findHyphenated(source: string, offset: number): string | undefined {
  const before = /\.\s*([A-Za-z_]\w*-(?:\w+-)*)?$/.exec(source.slice(Math.max(0, offset - 200), offset));
  if (before === null) return undefined;
  const rest = /^\w+(?:-\w+)*/.exec(source.slice(offset, offset + 200))?.[0] ?? "";
  const name = (before[1] ?? "") + rest;
  return name.includes("-") ? name : undefined;
}

/** What to write instead of a name with hyphens. */
export function tellHyphenated(name: string): string {
  return `${quote(name)} after a dot is read as a subtraction; write ['${name}'].`;
}
