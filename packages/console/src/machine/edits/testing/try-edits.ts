import type { Operation } from "../operation.ts";
import { type Checked, checkEdit } from "./check-edit.ts";
import { drawDocument } from "./draw-document.ts";
import { drawOperation } from "./draw-operation.ts";
import { createRandom } from "./random.ts";

/** An edit of a document that was drawn, or given, with what became of it. */
export interface Tried {
  readonly text: string;
  readonly operation: Operation;
  /** Block style without anchors: almost every edit is possible there. */
  readonly plain: boolean;
  readonly checked: Checked;
}

/** Draws an edit by its seed and checks it; undefined if the draw produces none. */
export function tryEdit(seed: number, given?: string): Tried | undefined {
  const random = createRandom(seed);
  const drawn = given === undefined ? drawDocument(random) : undefined;
  const text = given ?? drawn?.text ?? "";
  const operation = drawOperation(random, text);
  if (operation === undefined) return undefined;
  const plain = drawn?.style.anchors === false && drawn.style.flow === 0;
  return { text, operation, plain, checked: checkEdit(text, operation) };
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

/** Returns true if the form of the text prevented the edit. */
export function isStoppedByForm({ checked }: Tried): boolean {
  return checked.kind === "refused" && FORMAL.has(checked.code);
}
