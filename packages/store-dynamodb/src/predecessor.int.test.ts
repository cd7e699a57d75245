import {
  type AttributeValue,
  CreateTableCommand,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import { toParkedHead } from "@stackyard/core/engine";
import { aChange, aDispatch, aHistoryEntry, aParkedEvent, aPut, aStoredStack } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DynamodbStore } from "./create-store.ts";
import { checkTables } from "./tables.ts";
import { commitNow, HOUR, MINUTE, T0, take } from "./testing/store-work.ts";
import { startTestTables, type TestTables, untilActive } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

/** A table as the predecessor's users have it: a string key `id`, no index. */
async function createOldTable(): Promise<string> {
  const TableName = tables.newTable();
  await tables.client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    }),
  );
  await untilActive(tables.client, TableName);
  return TableName;
}

/** As its document client writes a record. */
function anOldItem(overrides: Record<string, AttributeValue> = {}): Record<string, AttributeValue> {
  const failed = { name: { S: "db" }, status: { S: "ERROR" }, errorMessage: { S: "exit code 1" } };
  return {
    id: { S: "pr-1" },
    machine: { S: "review-app" },
    _state: { S: "PROVISION" },
    previousState: { S: "INIT" },
    tasks: { L: [{ M: { name: { S: "network" }, status: { S: "PENDING" } } }, { M: failed }] },
    metadata: { M: { branch: { S: "né ✓" }, count: { N: "3" }, isOpen: { BOOL: false }, none: { NULL: true } } },
    createdAt: { N: String(T0) },
    updatedAt: { N: String(T0 + MINUTE) },
    ...overrides,
  };
}

async function openOld(items: readonly Record<string, AttributeValue>[]): Promise<DynamodbStore> {
  const table = await createOldTable();
  for (const Item of items) await tables.client.send(new PutItemCommand({ TableName: table, Item }));
  return tables.open({ table });
}

async function getItem({ tables: { stacks } }: DynamodbStore, id: string) {
  return (await tables.client.send(new GetItemCommand({ TableName: stacks, Key: { id: { S: id } } }))).Item;
}

describe("a table of the predecessor", () => {
  it("is read without a migration", async () => {
    const store = await openOld([anOldItem(), anOldItem({ id: { S: "pr-2" }, _state: { S: "RUN" } })]);

    const [loaded] = await store.load(["pr-1"]);

    expect(loaded).toEqual({
      stackId: "pr-1",
      version: 1,
      parked: [],
      stack: {
        id: "pr-1",
        machine: "review-app",
        machineHash: "",
        state: "PROVISION",
        previousState: "INIT",
        tasks: [
          { name: "network", status: "PENDING" },
          { name: "db", status: "ERROR", errorMessage: "exit code 1" },
        ],
        metadata: { branch: "né ✓", count: 3, isOpen: false, none: null },
        createdAt: T0,
        updatedAt: T0 + MINUTE,
        enteredAt: T0 + MINUTE,
        incarnation: "0",
        entry: 0,
        attempts: {},
        runs: [],
        timers: [],
        automaticEntries: [],
      },
    });
    const { items } = await store.queries.listStacks({ machine: "review-app" }, { limit: 9 });
    expect(items.map(({ stack }) => [stack.id, stack.state])).toEqual([
      ["pr-1", "PROVISION"],
      ["pr-2", "RUN"],
    ]);
    expect((await store.queries.stats()).states).toEqual([
      { machine: "review-app", state: "PROVISION", count: 1 },
      { machine: "review-app", state: "RUN", count: 1 },
    ]);
  });

  it("gets an item that its readers still understand, with a version", async () => {
    const store = await openOld([anOldItem()]);
    const [loaded] = await store.load(["pr-1"]);
    const stack = { ...aStoredStack({ ...loaded?.stack, state: "RUN", previousState: "PROVISION", tasks: [] }) };

    const [result] = await store.commit([
      aChange({ stackId: "pr-1", expectedVersion: 1, write: { kind: "put", stack }, appliedIds: ["e1"] }),
    ]);

    expect(result).toEqual({ kind: "committed", version: 2 });
    expect(await getItem(store, "pr-1")).toMatchObject({
      ...anOldItem({ _state: { S: "RUN" }, previousState: { S: "PROVISION" }, tasks: { L: [] } }),
      version: { N: "2" },
    });
    expect((await store.load(["pr-1"]))[0]?.stack).toEqual(stack);
  });

  it("lets one of several that take a stack over win", async () => {
    const store = await openOld([anOldItem()]);
    const other = await tables.open({ table: store.tables.stacks });
    const change = aPut({ id: "pr-1" }, { expectedVersion: 1 });

    const results = await Promise.all([store.commit([change]), other.commit([change])]);

    expect(
      results
        .flat()
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(["committed", "conflict"]);
  });

  it("keeps of ours only stacks", async () => {
    const store = await openOld([anOldItem()]);
    await commitNow(
      store,
      aPut({ id: "a" }, { history: [aHistoryEntry("e1")], dispatches: [aDispatch("a1", { stackId: "a" })] }),
    );
    await commitNow(store, aChange({ stackId: "b", park: [aParkedEvent("p1")], history: [aHistoryEntry("e2")] }));
    await commitNow(store, aChange({ stackId: "pr-1", write: { kind: "remove" }, history: [aHistoryEntry("e3")] }));

    const { Items = [] } = await tables.client.send(new ScanCommand({ TableName: store.tables.stacks }));

    expect(Items.map(({ id }) => id?.S)).toEqual(["a"]);
    expect(await store.load(["pr-1"])).toEqual([{ stackId: "pr-1", version: 0, parked: [] }]);
  });

  it("can be written by the predecessor again: entries, versions and parked events continue", async () => {
    const store = await openOld([]);
    const dispatches = [aDispatch("a1", { stackId: "pr-1", entry: 7 })];
    await commitNow(
      store,
      aPut({ id: "pr-1", entry: 7 }, { dispatches, history: [aHistoryEntry("e1", { stackId: "pr-1" })] }),
    );
    const parked = { ...aParkedEvent("p1"), event: { ...aParkedEvent("p1").event, stackId: "pr-1" } };
    await commitNow(
      store,
      aChange({ stackId: "pr-1", park: [parked], history: [aHistoryEntry("p1", { stackId: "pr-1" })] }),
    );
    await tables.client.send(new PutItemCommand({ TableName: store.tables.stacks, Item: anOldItem() }));

    const [loaded] = await store.load(["pr-1"]);
    expect([loaded?.version, loaded?.stack?.state, loaded?.stack?.entry]).toEqual([1, "PROVISION", 7]);
    expect(loaded?.parked).toEqual([toParkedHead(parked)]);
    expect(await store.loadParked("pr-1", ["p1"])).toEqual([parked]);

    const version = await commitNow(
      store,
      aPut({ id: "pr-1" }, { history: [aHistoryEntry("e2", { stackId: "pr-1" })] }),
    );
    expect(version).toBeGreaterThan(3);
    const { items } = await store.queries.listHistory({ stackId: "pr-1" }, { limit: 9 });
    expect(items.map(({ eventId }) => eventId)).toEqual(["e1", "p1", "e2"]);
  });
});

describe("a table without the index of what is due", () => {
  it("is reported with a hint", async () => {
    const store = await openOld([]);

    const { findings, hasDueIndex } = await checkTables(tables.client, store.tables);

    expect([hasDueIndex, store.capabilities.findsDueByIndex]).toEqual([false, false]);
    expect(findings.map(({ code, severity }) => [code, severity])).toEqual([["index-missing", "warning"]]);
    expect(findings[0]?.advice).toContain("aws dynamodb update-table --table-name");
  });

  it("is swept by reading it", async () => {
    const store = await openOld([anOldItem()]);
    await commitNow(store, aPut({ timers: [{ id: "t", event: "TICK", dueAt: T0 + HOUR }] }));
    await commitNow(store, aPut({ id: "s2" }, { park: [aParkedEvent("p1", { nextTryAt: T0 + MINUTE })] }));

    expect(await store.nextDueAt(["timer", "parked"])).toBe(T0 + MINUTE);
    expect(await take(store, ["timer", "parked"], T0 + MINUTE)).toEqual([
      { kind: "parked", stackId: "s2", dueAt: T0 + MINUTE },
    ]);
    expect(await take(store, ["timer"], T0 + HOUR)).toEqual([{ kind: "timer", stackId: "s1", dueAt: T0 + HOUR }]);
    expect(await take(store, ["timer"], T0 + HOUR)).toEqual([]);
  });
});
