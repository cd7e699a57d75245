import { type Clock, type Executor, type Store, silentLogger, type TaskDelivery } from "@stackyard/core";
import { createEngine, createStaticLocator } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { countingIds } from "@stackyard/core/testing";

const SOURCE = `
version: 2
events: [START]
states:
  INIT: { on: { START: WORK } }
  WORK: { tasks: [db], on: { NEXT: DONE } }
  DONE: {}
tasks:
  db: { executor: work, config: {}, timeout: 2h }
`;

/** Lets an engine start the stack "s1", whose task the executor "work" does. Returns its message. */
export async function dispatchTask(
  store: Store,
  { clock, executor }: { readonly clock: Clock; readonly executor: Executor },
): Promise<TaskDelivery> {
  const executors = new Map([[executor.name, executor]]);
  const { machine } = parseMachine(SOURCE, { name: "work", executors });
  if (machine === undefined) throw new TypeError("The machine is invalid.");
  const locator = createStaticLocator([{ machine, source: SOURCE }]);
  const deps = { store, locator, executors, clock, ids: countingIds(), random: () => 0, logger: silentLogger };
  const message = { event: "START", stackId: "s1", machine: "work" };
  const event = { id: "created", stackId: "s1", origin: "external", message, receivedAt: clock.now() } as const;
  await createEngine(deps).handle([{ event, deliveries: 1 }]);
  const [item] = await store.takeDue({ kinds: ["task"], now: clock.now(), limit: 1, leaseMs: 1 });
  if (item?.kind !== "task") throw new TypeError("The engine sent no task.");
  return { attemptId: item.attemptId, message: item.message, deliveries: 1 };
}
