import { defineExecutor, type Executor, type Store, type Succeeded, silentLogger, succeeded } from "@stackyard/core";
import {
  createEngine,
  createMemoryStore,
  createStaticLocator,
  createWorker,
  type QueuedEvent,
} from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { countingIds } from "@stackyard/core/testing";
import { Type } from "typebox";
import { instrumentEngine, instrumentExecutor, instrumentStore } from "../instrument.ts";
import { findCarrier, type TraceCarrier, toOnce } from "../spans.ts";
import { createFollow } from "./follow.ts";

const SOURCE = `
version: 2
events: [OPENED, PUSHED, MERGED]
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { leaving: abandon, tasks: [net, db], after: [{ in: 30m, event: PUSHED }], on: { PUSHED: BUILD, NEXT: LIVE } }
  LIVE: { on: { MERGED: GONE } }
  GONE: { tasks: [net] }
tasks:
  net: { executor: work, config: {}, timeout: 10m }
  db: { executor: work, config: {}, timeout: 10m }
`;

/** Creates a traced yard over the memory store. */
export function aYard(options: { readonly isTraced?: boolean; readonly wrap?: (store: Store) => Store } = {}) {
  const follow = createFollow(options);
  const memory = createMemoryStore();
  const store = instrumentStore(follow, options.wrap?.(memory) ?? memory);
  const executor: Executor = defineExecutor({
    name: "work",
    config: Type.Object({}),
    start: async (): Promise<Succeeded> => succeeded({}),
  });
  const executors = new Map([["work", instrumentExecutor(follow, executor)]]);
  const { machine } = parseMachine(SOURCE, { name: "app", executors });
  if (machine === undefined) throw new TypeError("The machine is invalid.");
  const deps = { store, executors, clock: follow.clock, ids: countingIds(), logger: silentLogger };
  const locator = createStaticLocator([{ machine, source: SOURCE }]);
  const engine = instrumentEngine(follow, createEngine({ ...deps, locator }));
  const worker = createWorker(deps);

  const toEvent = (event: string, stackId: string, more: Readonly<Record<string, unknown>>): QueuedEvent => ({
    id: `${stackId}/${event}`,
    stackId,
    origin: "external",
    receivedAt: follow.clock.now(),
    message: { stackId, event, machine: "app", ...more },
  });
  return {
    follow,
    store,
    engine,
    worker,
    toEvent,
    /** Decides events that came together, each with what came along. */
    async decide(...given: readonly (readonly [event: QueuedEvent, carrier: TraceCarrier])[]) {
      const takeCarriers = toOnce(given.map(([, carrier]) => findCarrier(carrier)));
      const deliveries = given.map(([event]) => ({ event, deliveries: 1 }));
      await follow.scopes.run({ takeCarriers }, () => engine.handle(deliveries));
    },
    /** Takes the messages of the outbox. */
    take: (kind: "task" | "event") =>
      memory.takeDue({ kinds: [kind], now: follow.clock.now(), limit: 10, leaseMs: 30_000 }),
  };
}
