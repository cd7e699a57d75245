import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import { defineExecutor, type Store, silentLogger } from "@stackyard/core";
import {
  createMemoryStore,
  createStaticLocator,
  createUlids,
  publishMessages,
  startYard,
  systemClock,
} from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { sharePostgres } from "@stackyard/postgres-server";
import { createDynamodbStore } from "@stackyard/store-dynamodb";
import { createPostgresStore } from "@stackyard/store-postgres";
import { createSqliteStore } from "@stackyard/store-sqlite";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";

const SOURCE = `
version: 2
events: [GO]
states:
  INIT: { on: { GO: WORK } }
  WORK: { tasks: [odd], on: { NEXT: LIVE, FAILED: BROKEN } }
  LIVE: {}
  BROKEN: {}
tasks:
  odd: { executor: odd, config: { name: "${"$"}{stack.id}" } }
`;

const circle: Record<string, unknown> = {};
circle["self"] = circle;
const deep = JSON.parse(`${'{"a":'.repeat(70)}1${"}".repeat(70)}`);
const outputs = (value: unknown) => () => ({ kind: "succeeded", outputs: { value } });

/** What a plugin in plain JavaScript answers, and the state and the code of the task that this leads to. */
const ANSWERS: Readonly<Record<string, readonly [answer: () => unknown, end: string]>> = {
  date: [outputs(new Date(0)), "BROKEN OUTPUT_INVALID"],
  "invalid-date": [outputs(new Date(Number.NaN)), "BROKEN OUTPUT_INVALID"],
  nan: [outputs(Number.NaN), "BROKEN OUTPUT_INVALID"],
  infinity: [outputs(Number.POSITIVE_INFINITY), "BROKEN OUTPUT_INVALID"],
  bigint: [outputs(1n), "BROKEN OUTPUT_INVALID"],
  rounded: [outputs(2 ** 60), "BROKEN OUTPUT_INVALID"],
  map: [outputs(new Map([["a", 1]])), "BROKEN OUTPUT_INVALID"],
  set: [outputs(new Set([1])), "BROKEN OUTPUT_INVALID"],
  url: [outputs(new URL("https://example.com")), "BROKEN OUTPUT_INVALID"],
  buffer: [outputs(Buffer.from("a")), "BROKEN OUTPUT_INVALID"],
  error: [outputs(new Error("a")), "BROKEN OUTPUT_INVALID"],
  function: [outputs(() => 1), "BROKEN OUTPUT_INVALID"],
  symbol: [outputs(Symbol("a")), "BROKEN OUTPUT_INVALID"],
  proto: [() => ({ kind: "succeeded", outputs: JSON.parse('{"__proto__":1}') }), "BROKEN OUTPUT_INVALID"],
  deep: [outputs(deep), "BROKEN OUTPUT_INVALID"],
  circle: [outputs(circle), "BROKEN OUTPUT_INVALID"],
  large: [outputs("x".repeat(2_000_000)), "BROKEN OUTPUT_INVALID"],
  // Outputs that are not a map are left out, as those of a message are.
  "no-map": [() => ({ kind: "succeeded", outputs: "text" }), "LIVE"],
  "no-outputs": [() => ({ kind: "succeeded" }), "LIVE"],
  undefined: [outputs(undefined), "LIVE"],
  holes: [outputs([1, undefined, 2]), "LIVE"],
  "no-prototype": [outputs(Object.create(null)), "LIVE"],
  nothing: [() => undefined, "BROKEN PLUGIN_INVALID"],
  text: [() => "done", "BROKEN PLUGIN_INVALID"],
  "other-kind": [() => ({ kind: "ok", outputs: {} }), "BROKEN PLUGIN_INVALID"],
  "failed-without-code": [() => ({ kind: "failed" }), "BROKEN PLUGIN_INVALID"],
  "failed-with-date": [
    () => ({ kind: "failed", code: "OLD", message: "No.", retryable: false, outputs: { at: new Date(0) } }),
    "BROKEN OLD",
  ],
  "running-with-circle": [() => ({ kind: "running", progress: circle, pollAfterMs: 1 }), "BROKEN PLUGIN_INVALID"],
  "running-for-nan": [() => ({ kind: "running", progress: {}, pollAfterMs: Number.NaN }), "BROKEN PLUGIN_INVALID"],
};

const odd = defineExecutor({
  name: "odd",
  config: Type.Object({ name: Type.String() }),
  // The type that plugins in TypeScript have to keep.
  start: async (_, { name }) => ANSWERS[name]?.[0]() as never,
});
const executors = new Map([["odd", odd]]);

interface Place {
  readonly store: Store;
  close(): Promise<void>;
}

const STORES: Readonly<Record<string, () => Promise<Place>>> = {
  memory: async () => ({ store: createMemoryStore(), close: async () => undefined }),
  SQLite: async () => {
    const folder = await mkdtemp(join(tmpdir(), "stackyard-"));
    return { store: await createSqliteStore({ folder }), close: () => rm(folder, { recursive: true }) };
  },
  Postgres: async () => {
    const { url, stop } = await sharePostgres();
    return { store: await createPostgresStore({ connection: url }), close: stop };
  },
  DynamoDB: async () => {
    const dynamodb = await startDynamodb();
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    const client = new DynamoDBClient({ endpoint: dynamodb.url, region: "eu-west-1", credentials });
    const close = async () => {
      client.destroy();
      await dynamodb.stop();
    };
    return { store: await createDynamodbStore({ table: "Stacks", client, createTables: true }), close };
  },
};

const WAYS = { "in one process": [["engine", "worker"]], "by a worker of its own": [["engine"], ["worker"]] } as const;

async function findEnd(store: Store, stackId: string): Promise<string> {
  const [{ stack } = {}] = await store.load([stackId]);
  const code = stack?.lastFailure?.code;
  return [stack?.state, code].filter(Boolean).join(" ");
}

// zmon-worker#158, sbomify PR 208, hamilton#1310, activepieces PR 14429, cumulus-message-adapter#105, airflow#25343
describe.each(Object.entries(STORES))("over %s, whatever a plugin answers", (_store, open) => {
  it.each(Object.entries(WAYS))("ends its task %s", { timeout: 120_000 }, async (_way, processes) => {
    const { store, close } = await open();
    const { machine } = parseMachine(SOURCE, { name: "app", executors });
    if (machine === undefined) throw new Error("The machine has errors.");
    const locator = createStaticLocator([{ machine, source: SOURCE }]);
    const deps = { store, locator, executors, clock: systemClock, ids: createUlids(), logger: silentLogger };
    const yards = processes.map((roles) => startYard(deps, { roles, drainMs: 100 }));
    const names = Object.keys(ANSWERS);

    await publishMessages(
      deps,
      names.map((stackId) => ({ stackId, event: "GO", machine: "app" })),
    );
    const ends = () => Promise.all(names.map(async (name) => [name, await findEnd(store, name)]));
    await expect
      .poll(async () => (await ends()).filter(([, end]) => /^WORK|^$/.test(end ?? "")), { timeout: 90_000 })
      .toEqual([]);
    const found = await ends();
    const { items: dead } = await store.queries.listDeadLetters({}, { limit: 100 });
    await Promise.all(yards.map((yard) => yard.stop()));
    await store.close();
    await close();

    expect(found).toEqual(Object.entries(ANSWERS).map(([name, [, end]]) => [name, end]));
    expect(dead).toEqual([]);
  });
});
