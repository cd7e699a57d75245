import { listWrappable } from "./encoded-forms.ts";
import { createMaskText, listSplitForms, type MaskText } from "./mask-text.ts";
import { MASK } from "./secrets.ts";
import { createStreamMask, SHORTEST_SPLIT, type StreamMask, toSolidText } from "./stream-mask.ts";
import { createTextSearch, type TextSearch } from "./text-search.ts";

/** Characters of an encoded secret by which a part of it is recognized. */
const WINDOW = 16;
const RUN = /[A-Za-z0-9+/_-]{16,}/g;

/** Masks for the same secrets. */
export interface LogMasks {
  /** Masks a text of one or more lines. */
  readonly text: MaskText;
  /** Creates a mask for lines that come one by one. */
  stream(): StreamMask;
  /** Also masks these from now on, in streams that have begun as whole lines only. */
  add(values: Iterable<unknown>): void;
}

/**
 * Creates masks that also recognize secrets, and their encoded forms, that are split over lines: from 8 characters on,
 * wherever they are split. Blanks between the pieces do not matter.
 */
export function createLogMasks(values: Iterable<unknown>): LogMasks {
  const given = [...values];
  let mask = createLineMask(given);
  let search: TextSearch | undefined;
  const stream = (maskLine: MaskText): StreamMask => {
    // Most texts are short; the search takes longer to create than they take to mask.
    search ??= createTextSearch(listSolidForms(given));
    return createStreamMask(maskLine, search);
  };
  return {
    stream: () => stream((text) => mask(text)),
    // The lines of a long text take much less time at once than one by one.
    text: (text) => mask(text.includes("\n") ? maskSplit(text, stream(unchanged)) : text),
    add(values) {
      const known = new Set(given);
      const added = [...values].filter((value) => !known.has(value));
      if (added.length === 0) return;
      given.push(...added);
      mask = createLineMask(given);
      search = undefined;
    },
  };
}

function unchanged(text: string): string {
  return text;
}

/** Creates the mask for texts of `createLogMasks`. */
export function createLogMask(values: Iterable<unknown>): MaskText {
  return createLogMasks(values).text;
}

function listSolidForms(values: readonly unknown[]): readonly string[] {
  return listSplitForms(values)
    .map(toSolidText)
    .filter((form) => form.length >= SHORTEST_SPLIT);
}

/** Consecutive lines of one secret. */
const MASKED_LINES = /\*\*\*(?:\r?\n[ \t]*\*\*\*)+/g;

/** Masks only what is split over lines. */
function maskSplit(text: string, stream: StreamMask): string {
  const lines = text.split("\n");
  const masked = [...lines.flatMap((line) => stream.push({ text: line })), ...stream.flush()].join("\n");
  return masked === text ? text : masked.replace(MASKED_LINES, MASK);
}

/**
 * Masks like `createMaskText` in the lines of a log, and also parts of secrets that a program has encoded and split into
 * lines, as `base64` does after 76 characters and `xxd` after 60.
 */
function createLineMask(given: readonly unknown[]): MaskText {
  const mask = createMaskText(given);
  const encoded = given.flatMap((value) => (typeof value === "string" ? listWrappable(value) : []));
  if (encoded.length === 0) return mask;
  const known = listWindows(encoded);
  return (text) => mask(text).replace(RUN, (run) => (containsWindow(run, known) ? MASK : run));
}

function listWindows(encoded: readonly string[]): ReadonlySet<string> {
  const windows = new Set<string>();
  for (const form of encoded) {
    for (let at = 0; at + WINDOW <= form.length; at += 1) windows.add(form.slice(at, at + WINDOW));
  }
  return windows;
}

function containsWindow(run: string, known: ReadonlySet<string>): boolean {
  for (let at = 0; at + WINDOW <= run.length; at += 1) if (known.has(run.slice(at, at + WINDOW))) return true;
  return false;
}
