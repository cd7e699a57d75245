/** What one look at the machine and the project has found. */
export interface Finding {
  /** One or two words: `node`, `store`. */
  readonly check: string;
  readonly status: "ok" | "warn" | "fail";
  readonly message: string;
  /** What to do. */
  readonly hint?: string;
}

/** All is well. */
export function ok(check: string, message: string): Finding {
  return { check, status: "ok", message };
}

/** It works, but something may be missing. */
export function warn(check: string, message: string, hint: string): Finding {
  return { check, status: "warn", message, hint };
}

/** It will not work. */
export function fail(check: string, message: string, hint: string): Finding {
  return { check, status: "fail", message, hint };
}

/** The finding of an error that was thrown. */
export function failOf(check: string, error: unknown, hint: string): Finding {
  return fail(check, error instanceof Error ? error.message : String(error), hint);
}
