/** The result of one check, such as a check of `stackyard doctor`. */
export interface Finding {
  /** One or two words: `node`, `store`, `queue`. */
  readonly check: string;
  readonly status: "ok" | "warn" | "fail";
  readonly message: string;
  /** The remedy. */
  readonly hint?: string;
}

/** Creates a finding for a check that passed. */
export function ok(check: string, message: string): Finding {
  return { check, status: "ok", message };
}

/** Creates a finding for something that works but may be incomplete. */
export function warn(check: string, message: string, hint: string): Finding {
  return { check, status: "warn", message, hint };
}

/** Creates a finding for something that does not work. */
export function fail(check: string, message: string, hint: string): Finding {
  return { check, status: "fail", message, hint };
}

/** Creates a finding from an error that was thrown. */
export function failOf(check: string, error: unknown, hint: string): Finding {
  return fail(check, error instanceof Error ? error.message : String(error), hint);
}
