/** One fault of a document, with the place where it stands. Codes are kebab-case and never renamed. */
export interface Problem {
  readonly severity: "error" | "warning";
  readonly code: string;
  /** Keys joined by dots, such as `states.UP.on.NEXT.0.state`, also of a key that is missing; empty for the document itself. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** What is wrong, with the offending value and, for unknown names, the nearest known one. */
  readonly message: string;
}
