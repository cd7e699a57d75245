/** What a suspended attempt keeps: the executor's progress, and whether its cancel has begun. */
export interface KeptProgress {
  readonly progress: unknown;
  readonly cancelBegun: boolean;
}

/** Reads what `suspend` was given; undefined for an attempt that was never suspended. */
export function parseKeptProgress(value: unknown): KeptProgress | undefined {
  if (typeof value !== "object" || value === null || !("progress" in value)) return undefined;
  return { progress: value.progress, cancelBegun: "cancelBegun" in value && value.cancelBegun === true };
}
