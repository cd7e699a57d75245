import {
  cancelsAsked,
  comesToRest,
  deadlinesTold,
  exclusiveKeys,
  fencing,
  handedOut,
  lateResults,
  oneLease,
  startsHeld,
} from "./attempt-invariants.ts";
import { auditedOnce } from "./audit-invariants.ts";
import type { Invariant } from "./invariant.ts";
import { needsKept, woken } from "./move-invariants.ts";
import { REVISION_INVARIANTS } from "./revision-invariants.ts";
import {
  attemptNumbers,
  exactlyOnce,
  leavingWaits,
  noLostUpdate,
  nothingDropped,
  oneCommit,
  oneReaction,
  order,
  resultsInTurn,
  retriesBounded,
  timersOnce,
  visitsCounted,
} from "./stack-invariants.ts";
import { instantsFollow, raisedTogether, schedulesArmed } from "./timer-invariants.ts";

/** The invariants of every run of the simulator. */
export const ALL_INVARIANTS: readonly Invariant[] = [
  exactlyOnce,
  order,
  resultsInTurn,
  noLostUpdate,
  oneCommit,
  cancelsAsked,
  attemptNumbers,
  oneLease,
  fencing,
  exclusiveKeys,
  startsHeld,
  lateResults,
  timersOnce,
  schedulesArmed,
  instantsFollow,
  raisedTogether,
  leavingWaits,
  retriesBounded,
  oneReaction,
  visitsCounted,
  needsKept,
  woken,
  ...REVISION_INVARIANTS,
  handedOut,
  deadlinesTold,
  nothingDropped,
  auditedOnce,
  comesToRest,
];
