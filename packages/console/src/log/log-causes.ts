const CAUSE =
  /\b(error|errors|exception|fatal|failed|failure|denied|refused|panic|timed out|traceback|cannot|could not)\b/i;

/** Tells whether a line of a log reads like the cause of a failure. */
export function isCause(line: string): boolean {
  return CAUSE.test(line);
}
