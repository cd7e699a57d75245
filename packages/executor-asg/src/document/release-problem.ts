/** One fault of a release document. */
export interface ReleaseProblem {
  /** The predecessor's class: cannot be decoded, or breaks a rule. */
  readonly class: "UnmarshalError" | "BadReleaseError";
  /** Kebab-case, begins with `release-`; never renamed. */
  readonly code: `release-${string}`;
  /** JSON pointer (RFC 6901) to the place, also of a member that is missing. */
  readonly pointer: string;
  /** What is wrong, with what, and what to do. */
  readonly message: string;
}

/** What is allowed and had better be changed. */
export type ReleaseWarning = Omit<ReleaseProblem, "class">;

/** A broken rule, before the release and service that it belongs to are put before its message. */
export interface Fault {
  readonly code: ReleaseProblem["code"];
  readonly pointer: string;
  readonly message: string;
  /** Other members that the rule looks at. */
  readonly with?: readonly string[];
}

/** The pointer to a member. */
export function pointTo(pointer: string, ...keys: readonly (string | number)[]): string {
  return [pointer, ...keys.map((key) => String(key).replaceAll("~", "~0").replaceAll("/", "~1"))].join("/");
}

/** A value in a message: as JSON, and not longer than a line. */
export function quote(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length <= 120 ? text : `${text.slice(0, 119)}…`;
}
