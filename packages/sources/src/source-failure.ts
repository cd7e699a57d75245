/**
 * Why a source cannot be used: it is `missing`, leads `outside` of the folder of local sources, is `refused` for what it
 * contains, is `unreadable` now, is `unsupported` by this worker, or its copy was `cancelled`. Another attempt may read an
 * unreadable one.
 */
export type SourceFault = "missing" | "outside" | "refused" | "unreadable" | "unsupported" | "cancelled";

/** Ends a copy. An executor turns it into a code of its own. */
export class SourceFailure extends Error {
  readonly fault: SourceFault;

  constructor(fault: SourceFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SourceFailure";
    this.fault = fault;
  }
}

/** Returns why a source cannot be read. A failure of the source itself is that already. */
export function toUnreadable(error: unknown, source: string, signal: AbortSignal): SourceFailure {
  if (error instanceof SourceFailure) return error;
  if (signal.aborted) return new SourceFailure("cancelled", "Stopped before it began.", { cause: error });
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new SourceFailure("unreadable", `${source} cannot be read: ${reason}`, { cause: error });
}
