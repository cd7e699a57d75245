import { EditRefused, type Operation } from "../operation.ts";
import { planSteps } from "../plan-steps.ts";
import { readSource, type Source } from "../source.ts";
import type { Step } from "../step.ts";
import { applyToText } from "./apply-to-text.ts";
import { type Checked, checkEdit } from "./check-edit.ts";
import { findStepFault } from "./check-step.ts";
import { drawDocument } from "./draw-document.ts";
import { drawOperation } from "./draw-operation.ts";
import { drawStep } from "./draw-step.ts";
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
  const plain = drawn?.style.anchors === false && drawn.style.flow === 0 && drawn.style.forms === 0;
  return { text, operation, plain, checked: checkEdit(text, operation) };
}

/** A step on a document that was drawn, or given, with what became of it. */
export interface TriedStep {
  readonly text: string;
  readonly step: Step;
  readonly checked: Checked;
}

/** Draws a step by its seed and checks every byte of the edited text; undefined if the draw produces none. */
export function tryStep(seed: number, given?: string): TriedStep | undefined {
  const random = createRandom(seed);
  const text = (given ?? drawDocument(random, random.pick([0, 1, 1, 1, 4])).text).replace(/^\uFEFF/, "");
  const source = readSource(text);
  const step = drawStep(random, source);
  return step && { text, step, checked: checkStep(source, step) };
}

function checkStep(source: Source, step: Step): Checked {
  const { text } = source;
  try {
    const edited = applyToText(text, planSteps(source, [step]));
    const fault = findStepFault(text, step, edited);
    return fault === undefined ? { kind: edited === text ? "unchanged" : "edited" } : { kind: "fault", fault };
  } catch (error) {
    if (error instanceof EditRefused) return { kind: "refused", code: error.code, message: error.message };
    throw error;
  }
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
