import { createMaskText, type MaskText } from "./decide/metadata.ts";
import { listWrappable } from "./encoded-forms.ts";
import { MASK } from "./secrets.ts";

/** Characters of an encoded secret by which a part of it is recognized. */
const WINDOW = 16;
const RUN = /[A-Za-z0-9+/_-]{16,}/g;

/**
 * Masks like `createMaskText` in the lines of a log, and also parts of secrets that a program has encoded and split into
 * lines, as `base64` does after 76 characters and `xxd` after 60.
 */
export function createLogMask(values: Iterable<unknown>): MaskText {
  const given = [...values];
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
