import { formatNames } from "../format-names.ts";
import type { Stalled } from "../stack.ts";

/** The code of a stack that is not removed, because what was made for it is still there. */
export const LEFT_BEHIND = "LEFT_BEHIND";

const BEGINNING = "Not removed, because these are not empty: ";
const MIDDLE = ". A retry does the work of this state again.";

/** Returns why a stack that has reached its end is not removed. `left`: what still contains something, with at least one name. */
export function toLeftBehind(left: readonly string[]): Stalled {
  return { code: LEFT_BEHIND, reason: `${BEGINNING}${formatNames(left)}${MIDDLE}` };
}

/** Returns the note of a removal by force about what it leaves. `left`: as of `toLeftBehind`. */
export function formatAbandoned(left: readonly string[]): string {
  return `Left behind, because these are not empty: ${formatNames(left)}.`;
}

/** Returns what a removal had left according to the notes of its decision: the input of the same decision in a replay. */
export function findNotedLeft(notes: readonly string[]): readonly string[] {
  return notes.flatMap((note) => {
    const isNoted = note.startsWith(BEGINNING) && note.endsWith(MIDDLE);
    return isNoted ? [note.slice(BEGINNING.length, -MIDDLE.length)] : [];
  });
}
