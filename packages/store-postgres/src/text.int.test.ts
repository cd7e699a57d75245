import { toEventKey } from "@stackyard/core/engine";
import { aChange, aDispatch, aPut, aQueuedEvent } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PostgresStore } from "./create-postgres-store.ts";
import { T0 } from "./testing/test-instants.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
let store: PostgresStore;
beforeAll(async () => {
  server = await startTestServer();
  store = await server.open();
});
afterAll(async () => {
  await store.close();
  await server.stop();
});

// PostgreSQL stores neither U+0000 nor a lone surrogate, and the text that replaces them can also occur by itself.
const ODD = "a\u0000b\ud800c\udc00d\ufffe0000 \u{1f600} é \\u0000 '\"";
const take = { now: T0, limit: 10, leaseMs: 1 };

describe("texts that PostgreSQL cannot hold", () => {
  it("are kept in records, their names, metadata and history", async () => {
    const id = `stack ${ODD}`;
    const metadata = { [ODD]: ODD };
    const entry = {
      stackId: id,
      at: T0,
      eventId: ODD,
      event: ODD,
      outcome: "applied",
      sent: [ODD],
      notes: [],
    } as const;

    const stack = { id, machine: ODD, state: ODD, metadata };
    await store.commit([aPut(stack, { appliedIds: [ODD], history: [entry] })]);

    const [loaded] = await store.load([id]);
    expect(loaded).toMatchObject({ stackId: id, stack });
    const page = { limit: 5 };
    expect((await store.queries.listStacks({ machine: ODD, state: ODD, idPrefix: id }, page)).items).toHaveLength(1);
    expect((await store.queries.listHistory({ stackId: id, eventId: ODD }, page)).items).toMatchObject([entry]);
    expect((await store.queries.stats()).states).toContainEqual({ machine: ODD, state: ODD, count: 1 });
    const [again] = await store.commit([aPut({ id }, { expectedVersion: 1, appliedIds: ["x", ODD] })]);
    expect(again).toEqual({ kind: "duplicate", eventIds: [ODD] });
  });

  it("are kept in events, parked and dead-lettered ones", async () => {
    const stackId = `events ${ODD}`;
    const event = aQueuedEvent(ODD, { stackId, message: { text: ODD }, actor: ODD });
    await store.enqueue([event, event]);
    const items = await store.takeDue({ ...take, kinds: ["event"] });
    const receipts = items.map((item) => ("receipt" in item ? item.receipt : ""));
    expect(items).toMatchObject([{ kind: "event", event }]);

    const parked = { event, code: ODD, reason: ODD, parkedAt: T0, tries: 1, nextTryAt: T0 };
    const deadLetter = { id: ODD, event, code: ODD, reason: ODD, deadLetteredAt: T0 };
    await store.commit([aChange({ stackId, park: [parked], deadLetters: [deadLetter], receipts })]);

    expect(await store.loadParked(stackId, [toEventKey(event)])).toEqual([parked]);
    expect(await store.takeDue({ ...take, kinds: ["event", "parked"] })).toEqual([
      { kind: "parked", stackId, dueAt: T0 },
    ]);
    expect((await store.queries.listDeadLetters({ stackId, code: ODD }, { limit: 5 })).items).toEqual([deadLetter]);
    await store.commit([aChange({ stackId, unpark: [ODD] })]);
    expect(await store.queries.redrive([ODD], T0)).toEqual([ODD]);
  });

  it("are kept in attempts, their keys, progress, logs and answers", async () => {
    const [attemptId, task, stackId] = [`attempt ${ODD}`, ODD, `attempts ${ODD}`];
    const key = `key:${ODD}`;
    await store.commit([
      aPut({ id: stackId }, { dispatches: [aDispatch(attemptId, { stackId, task, executor: ODD })] }),
    ]);
    const claim = { attemptId, owner: ODD, leaseMs: 60_000, exclusiveKeys: [key], now: T0 };

    const granted = await store.claim(claim);
    if (granted.kind !== "granted") throw new Error(granted.kind);
    await store.renew(granted.grant, { leaseMs: 60_000, now: T0, message: ODD });

    const shown = { attemptId, stackId, task, executor: ODD, owner: ODD, heldKeys: [key], progressMessage: ODD };
    expect(await store.findAttempt(attemptId)).toMatchObject(shown);
    expect(await store.claim(claim)).toEqual({ kind: "held", by: ODD });
    await store.suspend(granted.grant, { progress: { [ODD]: ODD }, dueAt: T0, now: T0, message: ODD });
    const second = await store.claim(claim);
    if (second.kind !== "granted") throw new Error(second.kind);
    expect(second.progress).toEqual({ [ODD]: ODD });
    const event = aQueuedEvent(`result ${ODD}`, { stackId, message: { text: ODD } });
    expect(await store.settle(second.grant, { outcome: "failed", log: ODD, event, now: T0 })).toBe("settled");
    expect(await store.findAttempt(attemptId)).toMatchObject({ log: ODD, outcome: "failed" });
  });

  it("are kept in the event of an attempt that is cancelled at once", async () => {
    const stackId = `cancels ${ODD}`;
    const dispatches = [aDispatch(`gone ${ODD}`, { stackId, task: ODD })];
    await store.commit([aPut({ id: stackId }, { dispatches })]);

    const cancel = { attemptId: `gone ${ODD}`, withinMs: 1, why: "requested", unclaimedAtOnce: true } as const;
    await store.commit([aChange({ stackId, expectedVersion: 1, cancels: [cancel] })]);

    const items = await store.takeDue({ ...take, kinds: ["event"] });
    expect(items).toContainEqual(
      expect.objectContaining({
        event: {
          id: `cancelled:gone ${ODD}`,
          stackId,
          origin: "worker",
          receivedAt: T0,
          message: { event: "TASK_CANCELLED", stackId, task: { name: ODD }, dispatchId: `gone ${ODD}` },
        },
      }),
    );
  });

  it("are kept in machines and documents", async () => {
    await store.revisions.put({ hash: ODD, name: ODD, source: ODD }, 5);
    const odd = ODD.replaceAll("\u0000", "").toWellFormed();
    await store.records.put({ key: odd, value: { [ODD]: ODD }, expected: "absent", now: T0 });

    expect(await store.revisions.get(ODD)).toEqual({ hash: ODD, name: ODD, source: ODD, firstSeenAt: 5 });
    expect(await store.records.get(odd, T0)).toMatchObject({ key: odd, value: { [ODD]: ODD } });
    expect((await store.records.list("a", { limit: 5, now: T0 })).items).toMatchObject([{ key: odd }]);
  });

  it("refuses an id that is too long for its column, and nothing else of the same moment", async () => {
    const [long, short] = await Promise.allSettled([
      store.commit([aPut({ id: "x".repeat(256) })]),
      store.commit([aPut({ id: "short" })]),
    ]);

    expect(long).toMatchObject({ status: "rejected", reason: { code: "USAGE" } });
    expect(short).toMatchObject({ status: "fulfilled", value: [{ kind: "committed" }] });
  });
});
