import { DEFAULT_LIMITS } from "../machine/decide/work.ts";
import type { ExecutorRegistry } from "../machine/executor-definition.ts";
import type { Machine } from "../machine/machine.ts";
import type { StackEvent } from "../machine/message/event.ts";
import type { Stack } from "../machine/stack.ts";
import type { Clock } from "../ports/clock.ts";
import type { Locator } from "../ports/locator.ts";
import type { Store } from "../ports/store.ts";
import { createCompileRevision } from "./compile-revision.ts";
import { decideOnStack, type NotedDecision } from "./decide-on.ts";
import { createMachineFinder } from "./machine-finder.ts";
import { planUpgrade, type UpgradePlan } from "./replay/plan-upgrade.ts";

/** What a planner works with: that of the engine. */
export interface PlannerDeps {
  readonly store: Pick<Store, "load" | "listHistory" | "revisions">;
  readonly locator: Locator;
  readonly executors: ExecutorRegistry;
  readonly clock: Clock;
}

/** Tells what the engine would do, and changes nothing. Compiled revisions are kept over its calls. */
export interface Planner {
  /** What it would decide on an event of a stack as that stands, or of one that is not there yet. */
  decide(stack: Stack | undefined, event: StackEvent): Promise<NotedDecision>;
  /**
   * Whether an upgrade would be accepted, and where the stack's life would have been another on the new revision. `to`: a
   * kept revision or the newest; default the newest. Undefined: there is no such stack.
   */
  planUpgrade(input: { readonly stackId: string; readonly to?: string | undefined }): Promise<UpgradePlan | undefined>;
  /** The machine of a kept revision; undefined when it is not kept or no longer compiles. */
  findRevision(hash: string): Promise<Machine | undefined>;
}

/** A planner that finds machines as the engine does. */
export function createPlanner({ store, locator, executors, clock }: PlannerDeps): Planner {
  const compile = createCompileRevision(executors);
  const finder = createMachineFinder({ locator, clock, revisions: store.revisions, compile });
  return {
    decide: (stack, event) => decideOnStack({ finder, limits: DEFAULT_LIMITS }, stack, event),
    planUpgrade: (input) => planUpgrade({ store, clock, finder }, input),
    findRevision: (hash) => finder.findRevision(hash),
  };
}
