import type { Change, ClaimInput, ClaimResult, CommitResult, QueuedEvent } from "@stackyard/core/engine";
import { claimAll, type RenewCall, renewAll, type SettleCall, settleAll } from "./attempt-store.ts";
import type { Database } from "./database.ts";
import { GroupedCalls } from "./grouped-calls.ts";
import type { RenewResult } from "./port-types.ts";
import { type Signals, signalsOf } from "./signals.ts";
import { commitAll } from "./stack-store.ts";
import { isDataError } from "./to-store-error.ts";
import { acknowledgeAll, enqueueAll } from "./work-queue.ts";

/** Calls of this process that share statements while they wait. */
export interface StoreGroups {
  readonly commits: GroupedCalls<readonly Change[], readonly CommitResult[]>;
  readonly enqueues: GroupedCalls<readonly QueuedEvent[], readonly boolean[]>;
  readonly acknowledges: GroupedCalls<readonly string[], undefined>;
  readonly claims: GroupedCalls<ClaimInput, ClaimResult>;
  readonly renewals: GroupedCalls<RenewCall, RenewResult>;
  readonly settles: GroupedCalls<SettleCall, "settled" | "lost">;
}

/** Groups of each kind that are on their way at the same time: one is written while the next is sent. */
const IN_FLIGHT = 2;

/** How large groups may be. */
export interface GroupLimits {
  readonly maxGroup: number;
  readonly maxConnections: number;
  /** As the option of the store. */
  readonly runnersHaveStore: boolean;
}

/** Makes the groups; listeners are told when a group is committed. */
export function createGroups(database: Database, signals: Signals, limits: GroupLimits): StoreGroups {
  const { maxGroup, maxConnections, runnersHaveStore } = limits;
  // Where nothing gathers, there is nothing to gain by waiting for those before.
  const maxInFlight = maxGroup === 1 ? maxConnections : IN_FLIGHT;
  const common = { maxWeight: maxGroup, maxInFlight, isOwnFault: isDataError };
  const attemptOf = ({ grant }: { readonly grant: { readonly attemptId: string } }) => [grant.attemptId];
  return {
    commits: new GroupedCalls({
      ...common,
      async run(calls: readonly (readonly Change[])[]) {
        const { results, passedKeys } = await commitAll(database, calls, { runnersHaveStore });
        signals.tell(signalsOf(calls.flat(), passedKeys));
        return results;
      },
      keysOf: (changes) => changes.map(({ stackId }) => stackId),
      weightOf: (changes) => changes.length,
    }),
    enqueues: new GroupedCalls({
      ...common,
      async run(calls: readonly (readonly QueuedEvent[])[]) {
        const added = await enqueueAll(database, calls);
        signals.tell(EVENT);
        return added;
      },
      weightOf: (events) => events.length,
      // Events of a stack keep the order of the calls.
      maxInFlight: 1,
    }),
    acknowledges: new GroupedCalls({
      ...common,
      run: (calls) => acknowledgeAll(database, calls),
      weightOf: (receipts) => receipts.length,
    }),
    claims: new GroupedCalls({
      ...common,
      run: (inputs) => claimAll(database, inputs),
      keysOf: ({ attemptId }) => [attemptId],
    }),
    renewals: new GroupedCalls({
      ...common,
      run: (calls: readonly RenewCall[]) => renewAll(database, calls),
      keysOf: attemptOf,
    }),
    settles: new GroupedCalls({
      ...common,
      async run(calls: readonly SettleCall[]) {
        const { results, passedKeys } = await settleAll(database, calls);
        signals.tell(passedKeys ? EVENT_AND_TASK : EVENT);
        return results;
      },
      keysOf: attemptOf,
    }),
  };
}

const EVENT = new Set(["event"] as const);
const EVENT_AND_TASK = new Set(["event", "task"] as const);
