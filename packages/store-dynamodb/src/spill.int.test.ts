import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { aChange, aDispatch, aHistoryEntry, aPut, aQueuedEvent } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DynamodbStore } from "./create-store.ts";
import { commitNow, grantNow, T0, take } from "./testing/store-work.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

/** Numbers that cannot be packed, others for each seed. */
function noise(seed: number, length: number): readonly number[] {
  return Array.from({ length }, (_, index) => ((index + seed) * 7919 * (index + seed + 13)) % 99_999_989);
}

async function countSpilled({ tables: { work } }: DynamodbStore): Promise<number> {
  const { Items = [] } = await tables.client.send(new ScanCommand({ TableName: work }));
  return Items.filter(({ sk }) => sk?.S?.startsWith("spill#")).length;
}

describe("a stack with more open work than an item holds", () => {
  const ids = Array.from({ length: 40 }, (_, index) => `s1/created/1/t${index}/1`);
  const dispatches = ids.map((id, index) => {
    const dispatch = aDispatch(id, { task: `t${index}` });
    return {
      ...dispatch,
      message: { ...dispatch.message, task: { name: `t${index}`, config: noise(index * 1_000, 5_000) } },
    };
  });

  it("keeps the rest in separate rows, and deletes them when the stack is small again", async () => {
    const store = await tables.open();

    await commitNow(store, aPut({}, { dispatches }));

    expect(await countSpilled(store)).toBeGreaterThan(0);
    const items = await take(store, ["task"]);
    expect(items.map((item) => item.kind === "task" && item.message)).toEqual(dispatches.map(({ message }) => message));
    const grant = await grantNow(store, ids[0] ?? "");
    const event = aQueuedEvent("r1", { origin: "worker" });
    expect(await store.settle(grant, { outcome: "succeeded", event, now: T0 })).toBe("settled");
    await commitNow(store, aChange({ endedAttempts: ids.slice(1) }));
    await commitNow(store, aPut({ state: "B" }));

    expect(await countSpilled(store)).toBe(0);
    expect((await store.queries.listAttempts("s1")).length).toBe(40);
    expect((await store.findTaskMessage(ids[7] ?? ""))?.task).toEqual(dispatches[7]?.message.task);
  });

  it("refuses lines that no row has room for, and writes nothing", async () => {
    const store = await tables.open();
    const history = Array.from({ length: 10 }, (_, index) =>
      aHistoryEntry(`e${index}`, { metadata: noise(index * 9_999, 9_000) }),
    );

    await expect(store.commit([aPut({}, { history })])).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });

    expect((await store.load(["s1"]))[0]?.version).toBe(0);
  });

  it("ends and begins again as any other", async () => {
    const store = await tables.open();
    await commitNow(store, aPut({}, { dispatches }));

    await commitNow(store, aChange({ write: { kind: "remove" } }));
    await commitNow(store, aPut({ incarnation: "again" }));

    expect((await store.queries.listAttempts("s1")).length).toBe(40);
    expect((await take(store, ["task"])).length).toBe(40);
  });
});
