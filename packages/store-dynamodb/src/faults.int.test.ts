import { type AttributeValue, PutItemCommand, type QueryCommandOutput } from "@aws-sdk/client-dynamodb";
import type { Store } from "@stackyard/core";
import { aChange, aDispatch, aHistoryEntry, aParkedEvent, aPut, aQueuedEvent } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseStackItem } from "./stack-item.ts";
import { aServiceError, interceptClient, type SentCommand } from "./testing/failing-client.ts";
import { commitNow, grantNow, HOUR, MINUTE, T0, take } from "./testing/store-work.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

// Behavior of DynamoDB that the emulator lacks. Each case names its documentation.

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

/** A client whose calls fail with that error while `isFailing` says so. */
function failWith(error: Error, isFailing: (command: SentCommand) => boolean) {
  return interceptClient(tables.client, (command, call) => (isFailing(command) ? Promise.reject(error) : call()));
}

describe("throttling", () => {
  // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
  it.each([
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "InternalServerError",
    "ServiceUnavailable",
  ])("is STORE_UNAVAILABLE, to be tried again (%s)", async (name) => {
    let isFailing = false;
    const store = await tables.open({ client: failWith(aServiceError(name), () => isFailing) });
    isFailing = true;

    await expect(store.commit([aPut()])).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    await expect(store.load(["s1"])).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", cause: { name } });

    isFailing = false;
    expect(await commitNow(store, aPut())).toBeGreaterThan(0);
  });

  it("of a commit's follow-up writes leaves the commit valid and the rest to the sweep", async () => {
    let isFailing = false;
    const error = aServiceError("ThrottlingException");
    const isOfWork = ({ input }: SentCommand) => String(input["TableName"]).endsWith("-work");
    const store = await tables.open({ client: failWith(error, (command) => isFailing && isOfWork(command)) });
    await commitNow(store, aPut());
    const [loaded] = await store.load(["s1"]);
    const dispatches = [aDispatch("s1/created/1/plan/1")];
    const change = aPut({ state: "B" }, { history: [aHistoryEntry("e1")], dispatches });

    isFailing = true;
    const [result] = await store.commit([{ ...change, expectedVersion: loaded?.version ?? 0 }]);
    isFailing = false;

    expect(result?.kind).toBe("committed");
    expect((await store.queries.listHistory({}, { limit: 9 })).items).toEqual([]);
    await take(store, ["timer"], T0 + MINUTE);
    expect((await take(store, ["task"])).map(({ kind }) => kind)).toEqual(["task"]);
    expect((await store.queries.listHistory({}, { limit: 9 })).items.map(({ eventId }) => eventId)).toEqual(["e1"]);
  });
});

describe("an answer that is lost", () => {
  /** As the SDK does it: the first try reaches the service, the second one finds its own write. */
  async function sendTwice(command: SentCommand, call: () => Promise<unknown>): Promise<unknown> {
    if (command.name !== "PutItem" || command.input["ConditionExpression"] === undefined) return call();
    await call();
    return call().catch((error: unknown) =>
      Promise.reject(Object.assign(error as Error, { $metadata: { attempts: 2 } })),
    );
  }

  it("makes no conflict of a commit and no foreign lease of a claim", async () => {
    const store = await tables.open({ client: interceptClient(tables.client, sendTwice) });

    const [result] = await store.commit([aPut({}, { dispatches: [aDispatch("a1")], appliedIds: ["e1"] })]);
    const claim = await store.claim({
      attemptId: "a1",
      owner: "w1",
      leaseMs: MINUTE,
      exclusiveKeys: ["key:a"],
      now: T0,
    });

    expect(result?.kind).toBe("committed");
    expect(claim.kind).toBe("granted");
    expect((await store.findAttempt("a1"))?.token).toBe(1);
  });
});

describe("the size of an item", () => {
  // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
  it("is at most 400 KB: a larger stack is refused before it is sent, and nothing of it is written", async () => {
    const store = await tables.open();
    const noise = Array.from({ length: 500 }, (_, index) => [`key-${index}`, `${index} ${"x".repeat(900)}`]);

    const commit = store.commit([aPut({ metadata: Object.fromEntries(noise) }, { appliedIds: ["e1"] })]);

    await expect(commit).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    await expect(commit).rejects.toThrow(/"s1" would take 4\d\d KB; an item of DynamoDB has at most 400 KB/);
    expect(await store.load(["s1"])).toEqual([{ stackId: "s1", version: 0, parked: [] }]);
  });

  it("leaves room for a state of many tasks, whose messages repeat the metadata", async () => {
    const store = await tables.open();
    const metadata = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [`k${index}`, `${index}`.repeat(300)]),
    );
    const message = aDispatch("a").message;
    const dispatches = Array.from({ length: 40 }, (_, index) => {
      return aDispatch(`a${index}`, { message: { ...message, stack: { ...message.stack, metadata } } });
    });

    await commitNow(store, aPut({ metadata }, { dispatches }));

    expect((await take(store, ["task"])).length).toBe(40);
    expect((await store.findTaskMessage("a7"))?.stack.metadata).toEqual(metadata);
  });
});

describe("an index that lags behind", () => {
  // Global secondary indexes are eventually consistent:
  // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
  it("hands out nothing that was taken, dropped or done meanwhile", async () => {
    let frozen: Map<string, QueryCommandOutput> | undefined;
    const client = interceptClient(tables.client, async (command, call) => {
      const key = JSON.stringify([command.input["IndexName"], command.input["ExpressionAttributeValues"]]);
      if (command.name !== "Query" || command.input["IndexName"] === undefined) return call();
      const old = frozen?.get(key);
      if (old !== undefined) return old;
      const answer = (await call()) as QueryCommandOutput;
      frozen?.set(key, answer);
      return answer;
    });
    const store = await tables.open({ client });
    const kinds = ["event", "task", "timer", "deadline", "poll", "parked", "lapsedLease"] as const;
    await store.enqueue([aQueuedEvent("e1")]);
    const timers = [{ id: "t", event: "TICK", dueAt: T0 }];
    await commitNow(
      store,
      aPut({ timers }, { dispatches: [aDispatch("a1")], park: [aParkedEvent("p1", { nextTryAt: T0 })] }),
    );
    await commitNow(store, aChange({ stackId: "none", park: [aParkedEvent("p2", { nextTryAt: T0 })] }));
    frozen = new Map();

    const first = await take(store, kinds, T0 + HOUR);
    const second = await take(store, kinds, T0 + HOUR);
    await commitNow(store, aChange({ write: { kind: "remove" }, endedAttempts: ["a1"], now: T0 + HOUR }));
    const third = await take(store, kinds, T0 + HOUR);

    expect(first.map(({ kind }) => kind).sort()).toEqual(["event", "parked", "parked", "task", "timer"]);
    expect([second, third]).toEqual([[], []]);
  });

  it("finds later what another process has written and it did not know yet", async () => {
    let isBlind = true;
    const client = interceptClient(tables.client, (command, call) => {
      const isIndex = command.name === "Query" && command.input["IndexName"] !== undefined;
      return isIndex && isBlind ? Promise.resolve({ Items: [] }) : call();
    });
    const table = tables.newTable();
    const [store, other] = [await tables.open({ table }), await tables.open({ table, client })];
    await commitNow(
      store,
      aPut({ timers: [{ id: "t", event: "TICK", dueAt: T0 }] }, { dispatches: [aDispatch("a1")] }),
    );

    expect(await take(other, ["task", "timer"])).toEqual([]);
    isBlind = false;
    expect((await take(other, ["task", "timer"])).map(({ kind }) => kind).sort()).toEqual(["task", "timer"]);
  });
});

describe("a late writer", () => {
  /** A process that falls asleep before the first call of that kind; what others do meanwhile. */
  async function openSleeper(
    isSlow: (command: SentCommand, table: string) => boolean,
    meanwhile: (others: Store) => Promise<unknown>,
  ) {
    const table = tables.newTable();
    const others = await tables.open({ table });
    let isAsleep = true;
    const client = interceptClient(tables.client, async (command, call) => {
      if (isAsleep && isSlow(command, table)) {
        isAsleep = false;
        await meanwhile(others);
      }
      return call();
    });
    return { others, store: await tables.open({ table, client }), hasSlept: () => !isAsleep };
  }

  const isPutOf = (sk: string) => (command: SentCommand) => {
    const item = command.input["Item"] as Record<string, AttributeValue> | undefined;
    return command.name === "PutItem" && item?.["sk"]?.S === sk;
  };
  const isPutOfStack = ({ name, input }: SentCommand, table: string) =>
    name === "PutItem" && input["TableName"] === table;
  const first = aPut({ incarnation: "e1" }, { appliedIds: ["e1"], dispatches: [aDispatch("a1")] });

  it("that creates a stack after a whole incarnation of it changes nothing and gets a conflict", async () => {
    const { others, store, hasSlept } = await openSleeper(isPutOf("shadow"), async (others) => {
      await commitNow(others, aPut({ incarnation: "e1" }, { appliedIds: ["e1"] }));
      await commitNow(others, aChange({ write: { kind: "remove" } }));
    });

    const result = await store.commit([
      aPut({ incarnation: "e2" }, { appliedIds: ["e1"], dispatches: [aDispatch("a1")] }),
    ]);

    expect([hasSlept(), result]).toEqual([true, [{ kind: "duplicate", eventIds: ["e1"] }]]);
    expect(await others.load(["s1"])).toEqual([{ stackId: "s1", version: 0, parked: [] }]);
    expect(await others.findAttempt("a1")).toBeUndefined();
  });

  it("whose stack has begun, and ended before it puts the item, leaves no item behind", async () => {
    const { others, store, hasSlept } = await openSleeper(isPutOfStack, (others) =>
      commitNow(others, aChange({ write: { kind: "remove" }, endedAttempts: ["a1"] })),
    );

    const [result] = await store.commit([first]);

    expect([hasSlept(), result?.kind]).toEqual([true, "committed"]);
    expect(await others.load(["s1"])).toEqual([{ stackId: "s1", version: 0, parked: [] }]);
    expect((await others.queries.listStacks({}, { limit: 9 })).items).toEqual([]);
    expect(await others.commit([aPut({}, { appliedIds: ["e1"] })])).toEqual([{ kind: "duplicate", eventIds: ["e1"] }]);
  });

  it("whose stack ended and began again before it puts the item leaves the later incarnation unchanged", async () => {
    const { others, store } = await openSleeper(isPutOfStack, async (others) => {
      await commitNow(others, aChange({ write: { kind: "remove" } }));
      await commitNow(others, aPut({ incarnation: "e2", state: "LATER" }));
    });

    await store.commit([first]);

    expect((await others.load(["s1"]))[0]?.stack).toMatchObject({ incarnation: "e2", state: "LATER" });
    expect(await commitNow(store, aPut({ incarnation: "e2", state: "LAST" }))).toBeGreaterThan(0);
  });

  it("that parks an event for a missing stack while the stack is created gets a conflict", async () => {
    const { others, store, hasSlept } = await openSleeper(isPutOf("shadow"), (others) => commitNow(others, aPut()));

    const result = await store.commit([aChange({ park: [aParkedEvent("p1")] })]);

    expect([hasSlept(), result]).toEqual([true, [{ kind: "conflict" }]]);
    const [loaded] = await others.load(["s1"]);
    expect([loaded?.stack?.state, loaded?.parked]).toEqual(["UP", []]);
    expect((await others.queries.stats()).parkedEvents).toBe(0);
  });

  it("that queues for a key while its holder ends gets the key", async () => {
    const table = tables.newTable();
    const others = await tables.open({ table });
    await commitNow(others, aPut({}, { dispatches: [aDispatch("a1"), aDispatch("a2")] }));
    const grant = await grantNow(others, "a1", ["key:db"]);
    let isAsleep = true;
    const isQueued = ({ name, input }: SentCommand) =>
      name === "PutItem" &&
      input["TableName"] === table &&
      parseStackItem(input["Item"] as Record<string, AttributeValue>).aggregate.attempts.some(
        ({ status }) => status === "queued",
      );
    const sleeper = interceptClient(tables.client, async (command, call) => {
      if (isAsleep && isQueued(command)) {
        isAsleep = false;
        await others.settle(grant, { outcome: "succeeded", event: aQueuedEvent("r1", { origin: "worker" }), now: T0 });
      }
      return call();
    });
    const store = await tables.open({ table, client: sleeper });

    const claim = await store.claim({
      attemptId: "a2",
      owner: "w2",
      leaseMs: MINUTE,
      exclusiveKeys: ["key:db"],
      now: T0,
    });

    expect([isAsleep, claim.kind]).toEqual([false, "granted"]);
    expect((await store.findAttempt("a2"))?.heldKeys).toEqual(["key:db"]);
  });

  it("with an old token cannot end an attempt that a newer owner works on", async () => {
    const store = await tables.open();
    await commitNow(store, aPut({}, { dispatches: [aDispatch("a1")] }));
    const late = await grantNow(store, "a1");
    await grantNow(store, "a1", [], T0 + MINUTE);

    const event = aQueuedEvent("r1", { origin: "worker" });
    expect(await store.settle(late, { outcome: "succeeded", event, now: T0 + MINUTE })).toBe("lost");
  });
});

describe("an item that cannot be read", () => {
  it("is named when it is loaded, and left out of lists", async () => {
    const store = await tables.open();
    const Item = { id: { S: "odd" }, machine: { S: "web" }, _state: { N: "1" } };
    await tables.client.send(new PutItemCommand({ TableName: store.tables.stacks, Item }));
    await commitNow(store, aPut());

    await expect(store.load(["odd"])).rejects.toMatchObject({ code: "STORE_CORRUPT", details: { stackId: "odd" } });
    expect((await store.queries.listStacks({}, { limit: 9 })).items.map(({ stack }) => stack.id)).toEqual(["s1"]);
  });
});
