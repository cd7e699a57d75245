/**
 * The stored progress of a suspended attempt: that of the executor, whether its cancel was started, and its log so far.
 */
export interface KeptProgress {
  readonly progress: unknown;
  readonly cancelBegun: boolean;
  readonly log?: string;
}

/** Parses the value that was passed to `suspend`; undefined for an attempt that was never suspended. */
export function parseKeptProgress(value: unknown): KeptProgress | undefined {
  if (typeof value !== "object" || value === null || !("progress" in value)) return undefined;
  const cancelBegun = "cancelBegun" in value && value.cancelBegun === true;
  const log = "log" in value && typeof value.log === "string" ? { log: value.log } : {};
  return { progress: value.progress, cancelBegun, ...log };
}
