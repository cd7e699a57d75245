export { readAttemptSecrets } from "../machine/decide/work.ts";
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
  toGranted,
  toListedAttempt,
} from "./attempt.ts";
export { findKeyPlace, joinKeyQueue, type KeyQueue, type KeyWaiter, leaveKeyQueue } from "./key-queue.ts";
