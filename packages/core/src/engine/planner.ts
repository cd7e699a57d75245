import { DEFAULT_PARKING } from "../aggregate/round.ts";
import { DEFAULT_LIMITS } from "../machine/decide/work.ts";
import type { ExecutorRegistry } from "../machine/executor-definition.ts";
import type { Machine } from "../machine/machine.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { Locator } from "../ports/locator.ts";
import type { Change, LoadedStack, QueuedEvent } from "../ports/stack-store.ts";
import type { Store } from "../ports/store.ts";
import { systemRandom } from "./built-in-ports.ts";
import { createCompileRevision, createMachineFinder } from "./machine-finder.ts";
import { planUpgrade, type UpgradePlan } from "./replay/plan-upgrade.ts";
import { applyWithMachines, createTurnMachines } from "./work-inputs.ts";

/** What a planner works with: that of the engine. */
export interface PlannerDeps {
  readonly store: Pick<Store, "load" | "queries" | "revisions">;
  readonly locator: Locator;
  readonly executors: ExecutorRegistry;
  readonly clock: Clock;
  readonly ids: Ids;
  /** As the engine's. Default: false. */
  readonly allowExternalNext?: boolean;
}

/** Tells what the engine would do, and changes nothing. Compiled revisions are kept over its calls. */
export interface Planner {
  /** The change that an event would make now, to a stack with its parked events or to one that does not exist yet. */
  preview(loaded: LoadedStack, event: QueuedEvent): Promise<Change>;
  /**
   * Whether an upgrade would be accepted, and where the stack's life would have been another on the new revision. `to`: a
   * kept revision or the newest; default the newest. Undefined: there is no such stack.
   */
  planUpgrade(input: { readonly stackId: string; readonly to?: string | undefined }): Promise<UpgradePlan | undefined>;
  /** The machine of a kept revision; undefined when it is not kept or no longer compiles. */
  findRevision(hash: string): Promise<Machine | undefined>;
}

/** A planner that finds machines as the engine does. */
export function createPlanner({
  store,
  locator,
  executors,
  clock,
  ids,
  allowExternalNext = false,
}: PlannerDeps): Planner {
  const compile = createCompileRevision(executors);
  const finder = createMachineFinder({ locator, clock, revisions: store.revisions, compile });
  return {
    async preview(loaded, event) {
      const { stackId } = event;
      const input = { kind: "delivery", stackId, delivery: { event, deliveries: 1 } } as const;
      const { change } = await applyWithMachines(loaded, [input], {
        ids,
        now: clock.now(),
        random: systemRandom,
        machines: createTurnMachines(finder),
        limits: DEFAULT_LIMITS,
        parking: DEFAULT_PARKING,
        refusedEvents: "park",
        allowExternalNext,
        everyRunnerClaims: true,
        maxDeliveries: Number.POSITIVE_INFINITY,
        knownIds: new Set(),
      });
      return change;
    },
    planUpgrade: (input) => planUpgrade({ store, clock, finder }, input),
    findRevision: (hash) => finder.findRevision(hash),
  };
}
