import type { Operation } from "../operation.ts";
import { type Checked, checkEdit } from "./check-edit.ts";
import { drawDocument } from "./draw-document.ts";
import { drawOperation } from "./draw-operation.ts";
import { createRandom } from "./random.ts";

/** An edit of a document that was drawn, or given. */
export interface DrawnEdit {
  readonly text: string;
  readonly operation: Operation;
  /** Block style without anchors: almost every edit is possible there. */
  readonly plain: boolean;
}

/** An edit with what became of it. */
export interface Tried extends DrawnEdit {
  readonly checked: Checked;
}

/** Draws an edit by its seed; undefined where the draw gives none. */
export function drawEdit(seed: number, given?: string): DrawnEdit | undefined {
  const random = createRandom(seed);
  const drawn = given === undefined ? drawDocument(random) : undefined;
  const text = given ?? drawn?.text ?? "";
  const operation = drawOperation(random, text);
  if (operation === undefined) return undefined;
  return { text, operation, plain: drawn?.style.anchors === false && drawn.style.flow === 0 };
}

/** Draws an edit and checks it; undefined where the draw gives none. */
export function tryEdit(seed: number, given?: string): Tried | undefined {
  const drawn = drawEdit(seed, given);
  return drawn && { ...drawn, checked: checkEdit(drawn.text, drawn.operation) };
}

// The other codes say that the edit itself makes no sense there, such as a name that is taken.
const FORMAL = new Set([
  "edit-shared",
  "edit-merged",
  "edit-flow",
  "edit-escaped",
  "edit-order",
  "edit-syntax",
  "edit-differs",
]);

/** True when the way in which the text is written stopped the edit. */
export function isStoppedByForm({ checked }: Tried): boolean {
  return checked.kind === "refused" && FORMAL.has(checked.code);
}
