import { prepareRun, toRunEvent } from "../../engine/attempt-result.ts";
import { publishMessages } from "../../engine/engine.ts";
import type { Clock, Ids } from "../../ports/clock.ts";
import type { Store } from "../../ports/store.ts";
import { PLANNED_DEFINITIONS } from "./planned-executors.ts";
import type { PlannedMachines } from "./planned-locator.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimulatedNode } from "./simulated-node.ts";
import type { PlannedAction } from "./simulation-plan.ts";

/** What actions act on. */
export interface ActionDeps {
  readonly store: Store;
  /** Where events from outside come in. */
  readonly door: Pick<Store, "enqueue">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly nodes: readonly SimulatedNode[];
  readonly machines: PlannedMachines;
  readonly scheduler: Pick<Scheduler, "noteDue">;
}

/** Does what the plan says that the world outside does. */
export async function performAction(deps: ActionDeps, action: PlannedAction): Promise<void> {
  switch (action.do) {
    case "send":
      // What is refused at the door was never accepted.
      await publishMessages({ ...deps, store: { ...deps.door, queries: deps.store.queries } }, [action.message]);
      return;
    case "run":
      return startRun(deps, action.key);
    case "redrive":
      return redrive(deps);
    case "revise":
      deps.machines.revise(action.to);
      return deps.scheduler.noteDue("sweep", await deps.store.nextDueAt(["timer", "deadline", "parked"]), true);
    case "kill":
      return deps.nodes[action.node]?.kill(action.downMs);
    case "stop":
      return deps.nodes[action.node]?.stop(action.downMs);
    case "freeze":
      return deps.nodes[action.node]?.freeze(action.forMs);
  }
}

async function startRun({ store, clock }: ActionDeps, key: string): Promise<void> {
  const executor = PLANNED_DEFINITIONS.get("work");
  if (executor === undefined) return;
  const run = prepareRun({ executor, config: {}, key });
  await store.revisions.put(run.revision);
  await store.enqueue([toRunEvent(run, clock.now())]);
}

async function redrive({ store, clock }: ActionDeps): Promise<void> {
  const { items } = await store.queries.listSetAside({}, { limit: 100 });
  await store.queries.redrive(
    items.map(({ id }) => id),
    clock.now(),
  );
}
