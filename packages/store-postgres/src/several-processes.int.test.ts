import type { StoreSignal } from "@stackyard/core";
import type { DueItem } from "@stackyard/core/engine";
import { aChange, aDispatch, aPut, aQueuedEvent } from "@stackyard/core/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { PostgresStore } from "./create-postgres-store.ts";
import { MINUTE, T0 } from "./testing/test-instants.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
let stores: readonly [PostgresStore, PostgresStore, PostgresStore];
beforeAll(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  const schema = server.newSchema();
  const open = (name: string) => server.open({ schema, applicationName: `${schema}-${name}` });
  stores = [await open("first"), await open("second"), await open("third")];
});
afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()));
});
afterAll(() => server.stop());

type EventItem = Extract<DueItem, { kind: "event" }>;

async function takeEvents(store: PostgresStore, limit: number): Promise<readonly EventItem[]> {
  const items = await store.takeDue({ kinds: ["event"], now: T0, limit, leaseMs: MINUTE });
  return items.filter((item): item is EventItem => item.kind === "event");
}

/** A change that does nothing but consume the events of a stack. */
function toAcknowledging(stackId: string, items: readonly EventItem[]) {
  const receipts = items.filter(({ event }) => event.stackId === stackId).map(({ receipt }) => receipt);
  return aChange({ stackId, receipts });
}

/** Resolves with the next signal of a kind. */
function nextSignal(store: PostgresStore, kind: StoreSignal["kind"]): Promise<void> {
  return new Promise((resolve) => {
    const stop = store.watch((signal) => {
      if (signal.kind !== kind) return;
      stop();
      resolve();
    });
  });
}

describe("several processes", () => {
  it("hand the events of a stack out in order, and never two at once", async () => {
    const stackIds = Array.from({ length: 12 }, (_, index) => `s${index}`);
    const expected = new Map(stackIds.map((id) => [id, Array.from({ length: 15 }, (_, index) => `e${index}`)]));
    const handled = new Map<string, string[]>(stackIds.map((id) => [id, []]));
    const out = new Set<string>();
    let isProduced = false;
    const produce = async () => {
      for (let index = 0; index < 15; index += 1) {
        await stores[index % 3]?.enqueue(stackIds.map((stackId) => aQueuedEvent(`e${index}`, { stackId })));
      }
      isProduced = true;
    };
    /** Handles what is there; gives how much that was. */
    const handle = async (store: PostgresStore, limit: number) => {
      const items = await takeEvents(store, limit);
      const taken = [...new Set(items.map(({ event }) => event.stackId))];
      expect(taken.filter((stackId) => out.has(stackId))).toEqual([]);
      for (const stackId of taken) out.add(stackId);
      for (const { event } of items) handled.get(event.stackId)?.push(event.id);
      await new Promise((resolve) => setImmediate(resolve));
      for (const stackId of taken) out.delete(stackId);
      if (taken.length > 0) await store.commit(taken.map((stackId) => toAcknowledging(stackId, items)));
      return items.length;
    };
    const consume = async (store: PostgresStore, limit: number) => {
      for (let empty = 0; !isProduced || empty < 40; ) empty = (await handle(store, limit)) === 0 ? empty + 1 : 0;
    };

    await Promise.all([produce(), consume(stores[0], 3), consume(stores[1], 7), consume(stores[2], 1)]);

    expect(handled).toEqual(expected);
    expect((await stores[0].queries.stats()).queuedEvents).toBe(0);
  });

  it("hand each task to one of those who take at the same time", async () => {
    const dispatches = Array.from({ length: 60 }, (_, index) => aDispatch(`a${index}`));
    await stores[0].commit([aPut({}, { dispatches })]);
    const take = (store: PostgresStore) => store.takeDue({ kinds: ["task"], now: T0, limit: 20, leaseMs: MINUTE });

    const taken = (await Promise.all([...stores, ...stores].map(take))).flat();

    const ids = taken.map((item) => ("attemptId" in item ? item.attemptId : ""));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBe(60);
  });

  it("decide on the same stacks in any order: one wins each version, without a deadlock", async () => {
    const ids = ["a", "b", "c", "d"];
    const wins = new Map(ids.map((id) => [id, 0]));
    const writeOnce = async (store: PostgresStore, order: readonly string[]) => {
      const loaded = await store.load(order);
      const changes = loaded.map(({ stackId, version }) => aPut({ id: stackId }, { expectedVersion: version }));
      const results = await store.commit(changes);
      const won = order.filter((_, index) => results[index]?.kind === "committed");
      for (const id of won) wins.set(id, (wins.get(id) ?? 0) + 1);
    };
    const write = async (store: PostgresStore, order: readonly string[]) => {
      for (let turn = 0; turn < 20; turn += 1) await writeOnce(store, order);
    };

    await Promise.all([
      write(stores[0], ids),
      write(stores[1], ids.toReversed()),
      write(stores[2], ["c", "a", "d", "b"]),
    ]);

    const versions = (await stores[0].load(ids)).map(({ stackId, version }) => [stackId, version] as const);
    expect(new Map(versions)).toEqual(wins);
  });

  it("make a stack once, and apply an event once where no stack is", async () => {
    const made = await Promise.all(stores.map((store) => store.commit([aPut({ id: "new" })])));
    const applied = await Promise.all(
      stores.map((store) => store.commit([aChange({ stackId: "none", appliedIds: ["e1"] })])),
    );

    expect(
      made
        .flat()
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(["committed", "conflict", "conflict"]);
    expect(
      applied
        .flat()
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(["committed", "duplicate", "duplicate"]);
  });

  it("let one attempt at a time have a key, each in its turn", async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `a${String(index).padStart(2, "0")}`);
    for (const id of ids) await stores[0].commit([aPut({ id }, { dispatches: [aDispatch(id, { stackId: id })] })]);
    let holders = 0;
    const done = new Set<string>();
    const workOn = async (store: PostgresStore, owner: string, attemptId: string) => {
      const claim = await store.claim({ attemptId, owner, leaseMs: MINUTE, exclusiveKeys: ["key:one"], now: T0 });
      if (claim.kind !== "granted") return;
      holders += 1;
      expect(holders).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      holders -= 1;
      const event = aQueuedEvent(`result:${attemptId}`, { stackId: attemptId });
      expect(await store.settle(claim.grant, { outcome: "succeeded", event, now: T0 })).toBe("settled");
      done.add(attemptId);
    };
    const work = async (store: PostgresStore, owner: string) => {
      while (done.size < ids.length) {
        const items = await store.takeDue({ kinds: ["task"], now: T0, limit: 3, leaseMs: MINUTE });
        for (const item of items) if (item.kind === "task") await workOn(store, owner, item.attemptId);
      }
    };

    await Promise.all(stores.map((store, index) => work(store, `w${index}`)));

    expect([...done].sort()).toEqual(ids);
    expect((await stores[0].queries.stats()).openAttempts).toBe(0);
  });

  it("show a history to which nothing is added behind what was read", async () => {
    const seen: number[] = [];
    let writing = true;
    const write = async (store: PostgresStore, stackId: string) => {
      for (let version = 0; version < 60; version += 1) {
        const line = {
          stackId,
          at: T0,
          eventId: `e${version}`,
          event: "E",
          outcome: "applied",
          sent: [],
          notes: [],
        } as const;
        await store.commit([aPut({ id: stackId }, { expectedVersion: version, history: [line, line] })]);
      }
    };
    const readOn = async (store: PostgresStore) => {
      const last = seen.at(-1);
      const cursor = last === undefined ? {} : { cursor: String(last) };
      const { items } = await store.queries.listHistory({}, { limit: 500, ...cursor });
      for (const { position } of items) seen.push(position);
    };
    const read = async (store: PostgresStore) => {
      while (writing) await readOn(store);
      await readOn(store);
    };

    const reading = read(stores[2]);
    await Promise.all([0, 1, 2, 3].map((index) => write(stores[index % 2] ?? stores[0], `s${index}`)));
    writing = false;
    await reading;

    expect(seen).toHaveLength(480);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });
});

describe("signals", () => {
  it("notify another process of events, tasks and history", async () => {
    const [here, there] = stores;
    await listening(there);
    const line = { stackId: "s1", at: T0, eventId: "e", event: "E", outcome: "applied", sent: [], notes: [] } as const;

    const event = nextSignal(there, "event");
    await here.enqueue([aQueuedEvent("e1")]);
    await event;
    const both = Promise.all([nextSignal(there, "task"), nextSignal(there, "history")]);
    await here.commit([aPut({}, { dispatches: [aDispatch("a1")], history: [line] })]);

    await both;
  });

  it("come again after the connections of a process were cut", async () => {
    const [here, there] = stores;
    await listening(there);

    const missed = nextSignal(there, "event");
    // The one that hears signals is among them, whatever it has asked last.
    const cut = await server.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = '${there.schema}-second'`,
    );
    expect(cut).not.toEqual([]);
    await missed;

    const event = nextSignal(there, "event");
    await here.enqueue([aQueuedEvent("e1")]);
    await event;
  });
});

/** When a store starts to listen it signals every kind, because it may have missed something. */
function listening(store: PostgresStore): Promise<void> {
  return nextSignal(store, "task");
}
