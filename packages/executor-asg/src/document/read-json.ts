import type { ReleaseProblem } from "./release-problem.ts";
import { scanJson } from "./scan-json.ts";

/** The longest text of a document, in bytes of UTF-8. */
export const MAX_DOCUMENT_BYTES = 1_048_576;

/** How deep objects and lists may stand in each other. */
export const MAX_DEPTH = 32;

/** The value that a text is, or why it is none. */
export type ReadJson =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "refused"; readonly problems: readonly ReleaseProblem[] };

/** Reads JSON (RFC 8259). A name that an object has twice is refused, since readers differ in which one counts. */
export function readJson(text: string): ReadJson {
  if (text.length > MAX_DOCUMENT_BYTES || Buffer.byteLength(text) > MAX_DOCUMENT_BYTES) {
    return refuse("release-too-large", `The document has more than ${MAX_DOCUMENT_BYTES} bytes.`);
  }
  const { tooDeep, duplicates } = scanJson(text, MAX_DEPTH);
  if (tooDeep) return refuse("release-too-deep", `The document has more than ${MAX_DEPTH} levels.`);
  const parsed = parse(text);
  if (parsed.kind === "refused" || duplicates.length === 0) return parsed;
  const problems = duplicates.map((pointer) => ({
    class: "UnmarshalError" as const,
    code: "release-duplicate-key" as const,
    pointer,
    message: `${pointer} is there more than once. Remove all but one.`,
  }));
  return { kind: "refused", problems };
}

function parse(text: string): ReadJson {
  try {
    return { kind: "value", value: JSON.parse(text) };
  } catch (cause) {
    if (text.startsWith("\uFEFF")) {
      return refuse("release-not-json", "The document begins with a byte order mark: save it without one.");
    }
    return refuse("release-not-json", `The document is not JSON: ${String(Object(cause).message).slice(0, 200)}.`);
  }
}

function refuse(code: ReleaseProblem["code"], message: string): ReadJson {
  return { kind: "refused", problems: [{ class: "UnmarshalError", code, pointer: "", message }] };
}
