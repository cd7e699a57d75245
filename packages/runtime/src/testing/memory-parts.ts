import { defineExecutor, type Logger, type Store, silentLogger, succeeded, type Transport } from "@stackyard/core";
import { createMemoryStore, createStaticLocator, createYard } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { countingIds, createFakeClock, type FakeClock } from "@stackyard/core/testing";
import type { OutgoingMessage } from "@stackyard/transport-sqs";
import { Type } from "typebox";
import { type Environment, parseEnvironment } from "../environment.ts";
import { openBulks } from "../open-bulks.ts";
import { createTickSender } from "../send-ticks.ts";
import type { StateManagerParts } from "../state-manager-parts.ts";

const SOURCE = `
version: 2
events: [OPENED, PUSHED, MERGED]
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [db], after: [{ in: 30m, event: MERGED }], on: { MERGED: GONE, NEXT: LIVE } }
  LIVE: { on: { PUSHED: BUILD, MERGED: GONE } }
  GONE: {}
tasks:
  db: { executor: work, config: {}, timeout: 10m }
`;

/** The yard of a test: a state manager over the memory store, whose queues only record their messages. */
export interface MemoryParts {
  readonly parts: StateManagerParts;
  readonly clock: FakeClock;
  readonly store: Store;
  /** Bodies of task messages, as `<attempt> +<delay in seconds>`. */
  readonly tasks: readonly string[];
  readonly ticks: readonly OutgoingMessage[];
  /** Puts an event into the state manager's hands. */
  handle(event: string, stackId?: string): Promise<void>;
  /** Returns state and status of tasks: `BUILD PENDING`. */
  find(stackId?: string): Promise<string>;
}

/** The parts of it that differ from the default. */
export interface MemoryPartsInput {
  readonly takeOwn?: Store["takeDue"];
  readonly environment?: Readonly<Record<string, string>>;
  /** Replaces calls of the store. */
  readonly wrap?: (store: Store) => Store;
  readonly transport?: Partial<Transport>;
  readonly logger?: Logger;
  /** Default: with the queue `stack-ticks`. */
  readonly hasTicks?: boolean;
  readonly measure?: () => Promise<void>;
  readonly sendTicks?: (messages: readonly OutgoingMessage[]) => Promise<void>;
}

/** The environment that a state manager needs at least. */
export const ENVIRONMENT = {
  AWS_REGION: "eu-west-1",
  MACHINE_LOCATOR: "LOCAL_FS",
  MACHINE_SPEC_DIR: "/machines",
  DYNAMODB_TABLE: "Stacks",
  SQS_TASK_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-tasks",
  SQS_TICK_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-ticks",
};

/** Reads an environment of a state manager. */
export function anEnvironment(values: Readonly<Record<string, string>> = {}): Environment {
  const needs = { app: "state manager", required: {}, machines: true, store: true };
  return parseEnvironment({ ...ENVIRONMENT, ...values }, needs);
}

/** Makes one; nothing has happened in it yet. */
export function createMemoryParts(input: MemoryPartsInput = {}): MemoryParts {
  const { logger = silentLogger, wrap = (store) => store, hasTicks = true } = input;
  const clock = createFakeClock();
  const memory = createMemoryStore();
  const store = wrap(memory);
  const tasks: string[] = [];
  const ticks: OutgoingMessage[] = [];
  const work = defineExecutor({ name: "work", config: Type.Object({}), start: async () => succeeded({}) });
  const executors = new Map([["work", work]]);
  const { machine } = parseMachine(SOURCE, { name: "app", executors });
  if (machine === undefined) throw new TypeError("The machine is invalid.");
  const locator = createStaticLocator([{ machine, source: SOURCE }]);
  const transport: Transport = {
    capabilities: { maxDelayMs: 900_000, everyRunnerClaims: true, keepsOrder: false },
    publish: () => Promise.reject(new TypeError("Nothing is published.")),
    sendTasks: async (messages, { delayMs = 0 } = {}) =>
      void tasks.push(...messages.map(({ dispatch }) => `${dispatch.id} +${delayMs / 1_000}`)),
    consumeEvents: () => ({ stop: async () => {} }),
    consumeTasks: () => ({ stop: async () => {} }),
    ...input.transport,
  };
  const { sendTicks = async (messages) => void ticks.push(...messages) } = input;
  const sender = hasTicks ? createTickSender({ send: sendTicks }, clock) : undefined;
  const yard = createYard(
    {
      store,
      locator,
      executors,
      clock,
      ids: countingIds(),
      logger,
      transport: { ...transport, takeOwn: input.takeOwn, ticks: sender },
    },
    {
      roles: ["engine"],
      // Unclaimed attempts end at their timeout.
      engine: { everyRunnerClaims: false },
      retention: { historyMs: 1, eventIdMs: 1, eventIdCount: 1_000, deadLetterMs: 1, settledAttemptMs: 1 },
      sweep: { longestSleepMs: 5_000 },
      measure: input.measure,
    },
  );
  const parts: StateManagerParts = {
    environment: anEnvironment({ ...(hasTicks ? {} : { SQS_TICK_QUEUE_URL: "" }), ...input.environment }),
    store,
    yard,
    bulks: openBulks({ store, yard, clock, ids: countingIds(), logger }),
    transport,
    clock,
    logger,
    batches: { clock, logger },
    deleteWorked: undefined,
  };
  return {
    parts,
    clock,
    store: memory,
    tasks,
    ticks,
    async handle(event, stackId = "pr-1") {
      const message = { stackId, event, machine: "app" };
      const id = `${event}-${clock.now()}`;
      const queued = { id, stackId, origin: "external", message, receivedAt: clock.now() } as const;
      await yard.engine.handle([{ event: queued, deliveries: 1 }]);
    },
    async find(stackId = "pr-1") {
      const [{ stack } = {}] = await memory.load([stackId]);
      return [stack?.state, ...(stack?.tasks.map(({ status }) => status) ?? [])].join(" ");
    },
  };
}
