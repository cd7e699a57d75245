export { readAttemptSecrets } from "../machine/attempt-secrets.ts";
export { createMemoryQueue, type MemoryQueue, type QueueRow, type TakenRow } from "../memory/memory-queue.ts";
export { type DueSource, findNextDueAt, type Take, takeFrom } from "../memory/take-due.ts";
export type { BirthClaim } from "../ports/stack-store.ts";
export {
  type Attempt,
  type AttemptDue,
  type AttemptEffect,
  type AttemptFacts,
  type AttemptMove,
  beginAttempt,
  type ClaimMove,
  cancelAttempt,
  claimAtBirth,
  claimAttempt,
  closeAttempt,
  endByResult,
  findLiveOwner,
  grantKey,
  isHeldBy,
  isOpen,
  renewAttempt,
  settleAttempt,
  suspendAttempt,
  toAttemptDue,
  toAttemptView,
  toClaimWindowMs,
  toGranted,
  toListedAttempt,
} from "./attempt.ts";
export {
  AttemptBook,
  type AttemptBookOptions,
  type AttemptSink,
  type BookAttempt,
  type EndedAttempt,
  type QueuedMessage,
} from "./attempt-book.ts";
export { findKeyPlace, joinKeyQueue, type KeyQueue, type KeyWaiter, leaveKeyQueue } from "./key-queue.ts";
