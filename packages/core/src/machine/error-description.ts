import { cutMiddle } from "./cut-text.ts";
import { toStrictText } from "./strict-json.ts";

/**
 * The longest text of a failed task that a stack keeps. Of a longer one the beginning, which says what failed and where,
 * and the end, where many programs report the fault.
 */
const MAX_ERROR_CHARACTERS = 16_384;

/** Returns the text of a failed task as far as a stack keeps it. */
export function toErrorDescription(description: unknown): string | undefined {
  if (description === undefined || description === null) return undefined;
  const text = typeof description === "string" ? description : JSON.stringify(description);
  return cutMiddle(toStrictText(text), MAX_ERROR_CHARACTERS);
}
