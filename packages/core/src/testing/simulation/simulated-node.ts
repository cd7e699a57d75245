// A sweep loads it when it seals first. That takes real time, in which simulated time would continue.
import "../../access/audit-seal.ts";
import { createDirectPath } from "../../engine/direct-path.ts";
import { createEngine, type Engine } from "../../engine/engine.ts";
import { Slots } from "../../engine/slots.ts";
import { startSweep } from "../../engine/sweep.ts";
import { createStoreTransport } from "../../engine/work-loop.ts";
import { createWorker, type Worker } from "../../engine/workers/worker.ts";
import { DEFAULT_RETENTION } from "../../engine/yard.ts";
import type { Clock, Ids, Random } from "../../ports/clock.ts";
import { type Executor, silentLogger } from "../../ports/executor.ts";
import type { Locator } from "../../ports/locator.ts";
import type { Store } from "../../ports/store.ts";
import type { DeliveryOutcome, EventDelivery, Subscription, TaskDelivery } from "../../ports/transport.ts";
import { findSubject, type KeyOf, toAttemptKey } from "./call-keys.ts";
import type { Chance } from "./chance.ts";
import type { NodePresence } from "./node-presence.ts";
import type { Life, Scheduler, WorkKind } from "./scheduler.ts";
import { type QueueLoopInput, runQueueLoop } from "./simulated-queue.ts";
import type { Fault, PlannedNode } from "./simulation-plan.ts";

/** The shared dependencies of nodes. */
interface NodeDeps {
  readonly store: Store;
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly ids: Ids;
  readonly leaseMs: number;
  readonly keyOf: KeyOf;
  readonly presence: NodePresence;
  readonly random: Random;
  readonly refusedEvents: "park" | "drop";
  /** Where events from outside come from, where that is not the store. */
  readonly queue?: Pick<QueueLoopInput, "queue" | "noteGone">;
  /** Creates the executors of one incarnation of a node, so that its calls belong to it. */
  createExecutors(incarnation: Life): ReadonlyMap<string, Executor>;
  createLocator(incarnation: Life): Locator;
  /** Finds other nodes, for messages that are delivered twice. */
  findNode(index: number): SimulatedNode | undefined;
  noteFault(kind: Fault["kind"]): void;
}

/** A process with an engine, a worker and a sweep that is started again when it has ended. */
export interface SimulatedNode {
  start(): void;
  /** Ends the node like `kill -9`; does nothing to a node that is down. */
  kill(downMs: number): void;
  /** Stops receiving and releases its work, as on SIGTERM. */
  stop(downMs: number): void;
  freeze(forMs: number): void;
  handleEvents(deliveries: readonly EventDelivery[]): Promise<readonly DeliveryOutcome[]> | undefined;
  handleTask(delivery: TaskDelivery): Promise<DeliveryOutcome> | undefined;
}

interface Running {
  readonly incarnation: Life;
  readonly engine: Engine;
  readonly worker: Worker;
  readonly loops: readonly Subscription[];
}

const EVENT_BATCH = 64;
const COMMITS_AT_A_TIME = 2;
// The time for which a stopping process waits; then the rest is left to its lease.
const LEAVE_MS = 30_000;
// Circles reach these limits soon.
const ENGINE_OPTIONS = { limits: { automaticEntriesPerHour: 25, entriesPerEvent: 10 } } as const;

/** Creates a node that is not started yet. */
export function createNode(
  index: number,
  { skewMs, concurrency, direct = false }: PlannedNode,
  deps: NodeDeps,
): SimulatedNode {
  const { scheduler } = deps;
  const { keyOf } = deps;
  let running: Running | undefined;

  function createLife(): Life {
    const incarnation: Life = {
      node: index,
      skewMs,
      frozenUntil: 0,
      isOver: false,
      crash(downMs) {
        if (incarnation.isOver) return;
        if (running?.incarnation === incarnation) running = undefined;
        deps.presence.end(incarnation);
        scheduler.discard(incarnation);
        void scheduler.sleep(`node ${index} restart`, undefined, downMs).then(start);
      },
    };
    return incarnation;
  }

  function start(): void {
    if (running !== undefined) return;
    const incarnation = createLife();
    deps.presence.begin(incarnation);
    running = startLife(incarnation, { concurrency, isDirect: direct }, deps);
  }

  async function drain({ incarnation, loops, worker }: Running, downMs: number): Promise<void> {
    worker.abort();
    const left = scheduler.sleep(keyOf("stop"), incarnation, LEAVE_MS).then(() => worker.leave());
    await Promise.race([left, Promise.all(loops.map((loop) => loop.stop()))]);
    incarnation.crash(downMs);
  }

  return {
    start,
    kill: (downMs) => running?.incarnation.crash(downMs),
    stop: (downMs) => void (running && drain(running, downMs)),
    freeze(forMs) {
      if (running === undefined) return;
      deps.presence.freeze(running.incarnation, forMs);
      running.incarnation.frozenUntil = scheduler.now() + forMs;
    },
    handleEvents: (deliveries) => running?.engine.handle(deliveries),
    handleTask: (delivery) => running?.worker.handle(delivery),
  };
}

function startLife(
  incarnation: Life,
  { concurrency, isDirect }: { readonly concurrency: number; readonly isDirect: boolean },
  deps: NodeDeps,
): Running {
  const parts = { incarnation, keyOf: deps.keyOf, scheduler: deps.scheduler };
  const storeOf = (part: NodePart) => createNodeStore(deps.store, part, parts);
  const shared = { executors: deps.createExecutors(incarnation), ids: deps.ids, logger: silentLogger };
  const locator = deps.createLocator(incarnation);
  const clock = createNodeClock("engine", parts);
  const slots = new Slots(concurrency, () => deps.scheduler.now());
  const direct = createDirectPath({
    parts: () => ({ engine, worker }),
    slots,
    batchSize: EVENT_BATCH,
    commitsAtATime: COMMITS_AT_A_TIME,
  });
  const engine = createEngine(
    {
      ...shared,
      store: storeOf("engine"),
      locator,
      clock,
      random: deps.random,
      ...(isDirect && { births: direct.births }),
    },
    { ...ENGINE_OPTIONS, refusedEvents: deps.refusedEvents },
  );
  const { finish } = direct;
  const worker = createWorker(
    { ...shared, store: storeOf("worker"), clock: createNodeClock("worker", parts), ...(isDirect && { finish }) },
    { leaseMs: deps.leaseMs },
  );
  const loops = startLoops({ engine, worker }, { parts, concurrency, isDirect, slots, storeOf, deps });
  return { incarnation, engine, worker, loops: [...loops, direct] };
}

interface LoopsInput {
  readonly parts: { readonly incarnation: Life; readonly keyOf: KeyOf; readonly scheduler: Scheduler };
  readonly concurrency: number;
  readonly isDirect: boolean;
  readonly slots: Slots;
  readonly storeOf: (part: NodePart) => Store;
  readonly deps: NodeDeps;
}

function startLoops(
  { engine, worker }: Pick<Running, "engine" | "worker">,
  { parts, concurrency, isDirect, slots, storeOf, deps }: LoopsInput,
): readonly Subscription[] {
  const logger = silentLogger;
  const transportOf = (kind: "events" | "tasks") =>
    createStoreTransport({ store: storeOf(kind), clock: createIdleClock(kind, parts), logger, slots, isDirect });
  const over = { ...parts, deps };
  const events = transportOf("events").consumeEvents(
    (deliveries) =>
      handOver(over, deliveries[0]?.event.id, {
        handle: () => engine.handle(deliveries),
        repeat: (node) => node.handleEvents(deliveries),
      }),
    { batchSize: EVENT_BATCH, concurrency: 1 },
  );
  const tasks = transportOf("tasks").consumeTasks(
    (delivery) =>
      handOver(over, toAttemptKey(delivery.attemptId), {
        handle: () => worker.handle(delivery),
        repeat: (node) => node.handleTask(delivery),
      }),
    { batchSize: concurrency, concurrency },
  );
  const store = storeOf("sweep");
  const clock = createIdleClock("sweep", parts);
  const owner = `node ${parts.incarnation.node}`;
  const watch = () => deps.presence.look(parts.incarnation, store.records);
  const sweep = startSweep({ engine, store, clock, ids: deps.ids, logger, owner, watch }, DEFAULT_RETENTION);
  return [events, tasks, sweep, ...startQueueLoop(engine, over)];
}

function startQueueLoop(engine: Engine, over: OverInput): readonly Subscription[] {
  const { deps, incarnation, keyOf, scheduler } = over;
  if (deps.queue === undefined) return [];
  const stopping = new AbortController();
  const handle = (deliveries: readonly EventDelivery[]) =>
    handOver(over, deliveries[0]?.event.id, {
      handle: () => engine.handle(deliveries),
      repeat: (node) => node.handleEvents(deliveries),
    });
  const loop = runQueueLoop({ ...deps.queue, incarnation, keyOf, scheduler, handle }, stopping.signal);
  return [
    {
      stop() {
        stopping.abort();
        return loop;
      },
    },
  ];
}

type OverInput = LoopsInput["parts"] & { readonly deps: NodeDeps };

interface HandOver<Result> {
  handle(): Promise<Result>;
  repeat(node: SimulatedNode): Promise<Result> | undefined;
}

/** Messages on the way from the medium to their handler: they may get lost, or come twice. */
async function handOver<Result>(
  { incarnation, keyOf, deps }: OverInput,
  subject: string | undefined,
  { handle, repeat }: HandOver<Result>,
): Promise<Result> {
  // It has died with one message of a batch; the others are not handled.
  if (incarnation.isOver) return new Promise(() => undefined);
  const fault = deps.chance.findFault(keyOf("delivery", subject), "delivery");
  if (fault !== undefined) deps.noteFault(fault.kind);
  if (fault?.kind === "lose") throw new Error("The messages were lost on their way.");
  if (fault?.kind === "crash") {
    incarnation.crash(fault.downMs);
    return new Promise(() => undefined);
  }
  const other = fault?.kind === "repeat" ? deps.findNode(fault.node) : undefined;
  if (other !== undefined) void repeat(other)?.catch(() => undefined);
  return handle();
}

interface ClockInput {
  readonly incarnation: Life;
  readonly keyOf: KeyOf;
  readonly scheduler: Scheduler;
}

/** Creates the clock of a process, ahead of the true time or behind it. */
function createNodeClock(part: NodePart, { incarnation, keyOf, scheduler }: ClockInput): Clock {
  return {
    now: () => scheduler.now() + incarnation.skewMs,
    sleep: (ms, signal) => scheduler.sleep(keyOf(`${part} sleep`), incarnation, ms, signal),
  };
}

/**
 * Creates the clock of a loop that polls for work: instants without work are skipped, so that hours without work cost
 * nothing.
 */
function createIdleClock(kind: WorkKind, { incarnation, keyOf, scheduler }: ClockInput): Clock {
  return {
    now: () => scheduler.now() + incarnation.skewMs,
    sleep: (ms, signal) => scheduler.idle(kind, keyOf(`${kind} idle`), incarnation, ms, signal),
  };
}

/** A part of a process, whose calls are counted apart. */
type NodePart = "events" | "tasks" | "sweep" | "engine" | "worker";

/** Wraps a store for a part of a process: each call waits for its turn, and may be lost, or its result may be. */
function createNodeStore(
  store: Store,
  part: NodePart,
  {
    incarnation,
    keyOf,
    scheduler,
  }: { readonly incarnation: Life; readonly keyOf: KeyOf; readonly scheduler: Scheduler },
): Store {
  function wrap<Port extends object>(port: Port): Port {
    const wrapped = Object.entries(port).map(([name, value]: [string, unknown]) => {
      if (typeof value === "object" && value !== null) return [name, wrap(value)] as const;
      if (typeof value !== "function") return [name, value] as const;
      return [name, (...args: readonly unknown[]) => call(name, () => Reflect.apply(value, port, args), args)] as const;
    });
    // The same names with functions of the same types.
    return Object.fromEntries(wrapped) as Port;
  }

  function call(name: string, act: () => unknown, args: readonly unknown[]): Promise<unknown> {
    const key = keyOf(`${part} ${name}`, findSubject(name, args));
    return scheduler.enter({ key, incarnation, act, describe: () => formatArguments(name, args) });
  }

  // Signals are hints; here the scheduler itself tracks when there is work.
  return { ...wrap(store), watch: () => () => undefined };
}

function formatArguments(name: string, [first]: readonly unknown[]): string {
  if (name === "commit" && Array.isArray(first)) return first.map(formatChange).join(", ");
  return JSON.stringify(first) ?? "";
}

function formatChange(change: unknown): string {
  if (typeof change !== "object" || change === null || !("history" in change)) return "";
  const { stackId, expectedVersion, history } = { stackId: "", expectedVersion: 0, ...change };
  const lines = Array.isArray(history) ? history : [];
  const told = lines.map(({ event, eventId, outcome, code }) => [event, eventId, outcome, code].join(" "));
  return `${stackId}@${expectedVersion} [${told.join("; ")}]`;
}
