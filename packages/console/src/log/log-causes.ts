import { dropColors } from "../text/ansi.ts";

const CAUSE =
  /\b(error|errors|exception|fatal|failed|failure|denied|refused|panic|timed out|traceback|cannot|could not)\b/i;

/**
 * Tells whether a line of a log reads like the cause of a failure. A color ends with a letter, which would hide where a
 * word begins.
 */
export function isCause(line: string): boolean {
  return CAUSE.test(dropColors(line));
}
