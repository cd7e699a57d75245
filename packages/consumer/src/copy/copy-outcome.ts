import type { ArtifactMessage } from "../artifact-message.ts";
import type { CopyResult } from "./copy-job.ts";
import type { SettledFault } from "./settle-fault.ts";

/** One file to be copied. */
export interface CopyInput {
  /** One that `decideMessage` lets through. */
  readonly message: ArtifactMessage;
  /** Deliveries of the message so far. Default: 1. */
  readonly attempt?: number;
  /** Epoch milliseconds: when the function ends. The copy stops five seconds before. */
  readonly deadlineAt?: number;
  readonly signal?: AbortSignal;
}

/** What came of a copy. No reason holds a URL. */
export type CopyOutcome =
  | CopyResult
  | Exclude<SettledFault, { readonly kind: "retry" | "suspended" }>
  /** `stalls`: attempts in a row that got nowhere, with this one. */
  | { readonly kind: "retry"; readonly code: string; readonly reason: string; readonly stalls: number }
  /** The time is over; the next attempt goes on. `newBytes`: what this one got done for good. */
  | { readonly kind: "suspended"; readonly newBytes: number; readonly stalls: number };
