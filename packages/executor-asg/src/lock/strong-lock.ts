/** Who wants a lock, and until when unless it is renewed (epoch ms). No `until`: for ever. */
export interface StrongLockRequest {
  readonly owner: string;
  readonly until?: number;
}

/** A second place for the root lock, with one atomic write: the predecessor's table. */
export interface StrongLock {
  /** Idempotent for the same owner; gives the new end too. */
  take(path: string, request: StrongLockRequest): Promise<"taken" | "held">;
  /** False: it is not this owner's any more. */
  renew(path: string, request: StrongLockRequest): Promise<boolean>;
  /** Not there: released. False: somebody else has it, and keeps it. */
  release(path: string, owner: string): Promise<boolean>;
  /** Takes it away from whoever has it: for people. */
  remove(path: string): Promise<void>;
  /** Where a person finds it, and the command that takes it away. */
  locate(path: string): { readonly place: string; readonly removeCommand: string };
}
