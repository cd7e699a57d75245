export { toCorrectedLine } from "../aggregate/correct-clock.ts";
export { CLOCKS_DIFFER_MS } from "../machine/decide/correct-instants.ts";
export { readAttemptSecrets } from "../machine/decide/runs.ts";
export type { BirthClaim, CorrectedAttempt } from "../ports/stack-store.ts";
export {
  type Attempt,
  type AttemptDue,
  type AttemptEffect,
  type AttemptMove,
  beginAttempt,
  type ClaimMove,
  cancelAttempt,
  claimAtBirth,
  claimAttempt,
  closeAttempt,
  correctAttempt,
  endByResult,
  findLiveOwner,
  grantKey,
  hasLostWorkers,
  isHeldBy,
  isMistimed,
  isOpen,
  MOST_LEASE_MS,
  renewAttempt,
  settleAttempt,
  suspendAttempt,
  toAttemptDue,
  toCorrectedAttempt,
  toGranted,
} from "./attempt.ts";
export { type AttemptFacts, toAttemptView, toListedAttempt } from "./attempt-view.ts";
export { findKeyPlace, joinKeyQueue, type KeyQueue, type KeyWaiter, leaveKeyQueue } from "./key-queue.ts";
