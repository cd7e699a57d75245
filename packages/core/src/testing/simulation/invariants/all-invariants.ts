import { cancelsAsked } from "./cancels.ts";
import { comesToRest } from "./comes-to-rest.ts";
import { deadlinesTold } from "./deadlines.ts";
import { attemptNumbers, oneCommit } from "./dispatches.ts";
import { exactlyOnce } from "./exactly-once.ts";
import { handedOut } from "./handed-out.ts";
import type { Invariant } from "./invariant.ts";
import { exclusiveKeys, fencing, oneLease } from "./leases.ts";
import { noLostUpdate } from "./no-lost-update.ts";
import { nothingDropped } from "./nothing-dropped.ts";
import { order, resultsInTurn } from "./order.ts";
import { lateResults } from "./results.ts";
import { startsHeld } from "./starts.ts";
import { timersOnce } from "./timers.ts";
import { leavingWaits, oneReaction, retriesBounded, visitsCounted } from "./version-2.ts";

/** What every run of the simulator is held to. */
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
  leavingWaits,
  retriesBounded,
  oneReaction,
  visitsCounted,
  handedOut,
  deadlinesTold,
  nothingDropped,
  comesToRest,
];
