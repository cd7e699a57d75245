import type { Store } from "@stackyard/core";
import type { ClaimInput, ClaimResult } from "@stackyard/core/engine";
import { findAttempt, findTaskMessage, listAttempts } from "./attempt-views.ts";
import { claimKeyed } from "./claims.ts";
import type { Database } from "./database.ts";
import type { GroupedCalls } from "./grouped-calls.ts";
import type { RenewResult } from "./port-types.ts";
import { type RenewCall, suspend } from "./renewals.ts";
import type { SettleCall } from "./settles.ts";
import type { Signals } from "./signals.ts";

type AttemptCalls = Pick<
  Store,
  "claim" | "renew" | "suspend" | "settle" | "findAttempt" | "listAttempts" | "findTaskMessage"
>;

/** Calls of workers that share statements while they wait. */
export interface AttemptGroups {
  readonly claims: GroupedCalls<ClaimInput, ClaimResult>;
  readonly renewals: GroupedCalls<RenewCall, RenewResult>;
  readonly settles: GroupedCalls<SettleCall, "settled" | "lost">;
}

const TASK = new Set(["task"] as const);

/** The part of the store that workers use. */
export function createAttemptStore(database: Database, groups: AttemptGroups, signals: Signals): AttemptCalls {
  return {
    async claim(input) {
      database.assertOpen();
      return input.exclusiveKeys.length === 0 ? groups.claims.call(input) : claimKeyed(database, input);
    },
    async renew(grant, input) {
      database.assertOpen();
      return groups.renewals.call({ grant, input });
    },
    async suspend(grant, input) {
      const result = await suspend(database, grant, input);
      signals.tell(TASK);
      return result;
    },
    async settle(grant, input) {
      database.assertOpen();
      return groups.settles.call({ grant, input });
    },
    findAttempt: (attemptId) => findAttempt(database, attemptId),
    listAttempts: (stackId) => listAttempts(database, stackId),
    findTaskMessage: (attemptId) => findTaskMessage(database, attemptId),
  };
}
