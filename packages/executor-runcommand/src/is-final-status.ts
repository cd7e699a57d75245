const OPEN: ReadonlySet<string> = new Set(["pending", "inprogress", "delayed", "cancelling", "canceling"]);

/** Detailed states of a command after which nothing happens to it. None is known yet: not final. */
export function isFinalStatus(status: string | undefined): boolean {
  return status !== undefined && !OPEN.has(status.replace(/\s+/g, "").toLowerCase());
}
