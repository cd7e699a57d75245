import type { Change } from "../operation.ts";
import { applyChanges, toPieces } from "../pieces.ts";

/** Applies changes in the order of the text to a text. */
export function applyToText(text: string, changes: readonly Change[]): string {
  return applyChanges(toPieces(text), changes).text;
}
