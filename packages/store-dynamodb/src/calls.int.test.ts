import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { interceptClient } from "./testing/failing-client.ts";
import { aChange, aDispatch, aLine, anEvent, aPut, commitNow, MINUTE, T0 } from "./testing/store-work.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

/** A store and the calls that it makes of DynamoDB: what a yard pays for. */
async function openCounted() {
  let calls: string[] = [];
  const client = interceptClient(tables.client, ({ name, input }, call) => {
    const table = String(input["TableName"]).endsWith("-work") ? "work" : "stacks";
    calls.push(`${name} ${table}`);
    return call();
  });
  const store = await tables.open({ client });
  await commitNow(store, aPut());
  const count = async (run: () => Promise<unknown>) => {
    calls = [];
    await run();
    return calls.toSorted();
  };
  return { store, count };
}

describe("what is called", () => {
  it("by a transition with one task is two writes of the stack and one each of what follows", async () => {
    const { store, count } = await openCounted();
    const change = aPut({ state: "B" }, { appliedIds: ["e1"], history: [aLine("e1")], dispatches: [aDispatch("a1")] });

    expect(await count(() => commitNow(store, change))).toEqual([
      "GetItem stacks",
      "PutItem stacks",
      "PutItem work", // the attempt
      "PutItem work", // the lines
      "PutItem work", // the line by its event
      "UpdateItem stacks",
      "UpdateItem work", // the counters
    ]);
  });

  it("by a commit that nothing follows from is one write", async () => {
    const { store, count } = await openCounted();

    expect(await count(() => commitNow(store, aChange({ appliedIds: ["e1"] })))).toEqual([
      "GetItem stacks",
      "PutItem stacks",
    ]);
  });

  it("by a claim and by a renewal is one write each", async () => {
    const { store, count } = await openCounted();
    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1")] }));
    const claim = { attemptId: "a1", owner: "w1", leaseMs: MINUTE, exclusiveKeys: [], now: T0 };
    const grant = { attemptId: "a1", owner: "w1", token: 1 };

    expect(await count(() => store.claim(claim))).toEqual(["GetItem work", "PutItem work"]);
    expect(await count(() => store.renew(grant, { leaseMs: MINUTE, now: T0 }))).toEqual([
      "GetItem work",
      "PutItem work",
    ]);
  });

  it("by the end of an attempt is its own write, that of the queue, and one that says that this is done", async () => {
    const { store, count } = await openCounted();
    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1")] }));
    await store.claim({ attemptId: "a1", owner: "w1", leaseMs: MINUTE, exclusiveKeys: [], now: T0 });
    const grant = { attemptId: "a1", owner: "w1", token: 1 };
    const event = anEvent("r1", { origin: "worker" });

    expect(await count(() => store.settle(grant, { outcome: "succeeded", event, now: T0 }))).toEqual([
      "GetItem stacks",
      "GetItem work",
      "GetItem work",
      "GetItem work",
      "PutItem work",
      "PutItem work",
      "PutItem work",
    ]);
  });
});
