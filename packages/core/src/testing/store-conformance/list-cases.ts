import assert from "node:assert/strict";
import { listPages } from "../../list-pages.ts";
import type { Stack } from "../../machine/stack.ts";
import type { Page, PageInput } from "../../ports/records.ts";
import type { HistoryEntry, StoredHistoryEntry } from "../../ports/stack-store.ts";
import type { StackFilter, Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import {
  aChange,
  aDeadLetter,
  aDispatch,
  aHistoryEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  assertRejects,
  commitNow,
  listAll,
  loadOne,
  storeCase,
  T0,
  take,
} from "./store-builders.ts";

async function listStackIds(store: Store, filter: StackFilter = {}, limit = 2) {
  return (await listAll((page) => store.queries.listStacks(filter, page), limit)).map(({ stack }) => stack.id);
}

async function putAll(store: Store, stacks: readonly Partial<Stack>[]) {
  for (const stack of stacks) await commitNow(store, aPut(stack));
}

function toEventIds(entries: readonly StoredHistoryEntry[]) {
  return entries.map(({ eventId }) => eventId);
}

/** Lists for people: stacks, history, counts. */
export const listCases: readonly ConformanceCase<Store>[] = [
  storeCase("lists stacks in order of ids over pages", async (store) => {
    await putAll(
      store,
      ["c", "a", "e", "B", "d", "a-1"].map((id) => ({ id })),
    );

    assert.deepEqual(await listStackIds(store), ["B", "a", "a-1", "c", "d", "e"]);
    assert.deepEqual(await listStackIds(store, {}, 6), ["B", "a", "a-1", "c", "d", "e"]);
  }),

  storeCase("lists a stack with its version", async (store) => {
    const version = await commitNow(store, aPut({ id: "a" }));

    const { stack } = await loadOne(store, "a");
    assert.deepEqual(await store.queries.listStacks({}, { limit: 5 }), { items: [{ version, stack }] });
  }),

  storeCase("filters stacks by machine, state, beginning of the id and condition", async (store) => {
    const stalled = { code: "LOOP_LIMIT", reason: "…" };
    await putAll(store, [
      { id: "a1", machine: "web", state: "UP", tasks: [{ name: "t", status: "PENDING" }] },
      { id: "a2", machine: "db", state: "UP", tasks: [{ name: "t", status: "ERROR", errorMessage: "no" }] },
      { id: "a_3", machine: "web", state: "DOWN", stalled },
      { id: "b1", machine: "web", state: "UP", tasks: [{ name: "t", status: "SATISFIED" }] },
    ]);

    assert.deepEqual(await listStackIds(store, { machine: "web" }), ["a1", "a_3", "b1"]);
    assert.deepEqual(await listStackIds(store, { state: "UP", machine: "web" }), ["a1", "b1"]);
    assert.deepEqual(await listStackIds(store, { idPrefix: "a" }), ["a1", "a2", "a_3"]);
    assert.deepEqual(await listStackIds(store, { idPrefix: "a_" }), ["a_3"]);
    assert.deepEqual(await listStackIds(store, { idPrefix: "%" }), []);
    assert.deepEqual(await listStackIds(store, { condition: "busy" }), ["a1"]);
    assert.deepEqual(await listStackIds(store, { condition: "failed" }), ["a2"]);
    assert.deepEqual(await listStackIds(store, { condition: "stalled" }), ["a_3"]);
  }),

  storeCase("finds stacks with an open approval, and keeps what was asked", async (store) => {
    const by = { kind: "person", id: "https://id.test ada", name: "ada" } as const;
    const approval = {
      id: "asked/i1/1/sign-off/1",
      from: ["managers"],
      count: 2,
      askedBy: by,
      askedAt: 1,
      expiresAt: 1_000,
      given: [{ by, at: 2, comment: "tested" }],
    };
    const tasks = [{ name: "sign-off", status: "PENDING", detail: "APPROVING" }] as const;
    await putAll(store, [
      { id: "asked", tasks, approvals: { "sign-off": approval }, askedBy: by },
      { id: "both", tasks, approvals: { "sign-off": approval }, overdue: true },
      { id: "busy", tasks: [{ name: "sign-off", status: "PENDING" }] },
    ]);

    assert.deepEqual(await listStackIds(store, { condition: "approval" }), ["asked", "both"]);
    assert.deepEqual(await listStackIds(store, { condition: "overdue" }), ["both"]);
    const { stack } = await loadOne(store, "asked");
    assert.deepEqual(stack?.approvals, { "sign-off": approval });
    assert.deepEqual(stack?.askedBy, by);
    await commitNow(store, aPut({ id: "asked" }));
    assert.deepEqual(await listStackIds(store, { condition: "approval" }), ["both"]);
  }),

  storeCase("finds the stacks that wait for something, and those whose time is over", async (store) => {
    await putAll(store, [
      { id: "busy", tasks: [{ name: "t", status: "PENDING" }] },
      { id: "done", tasks: [{ name: "t", status: "SATISFIED" }] },
      { id: "failed", tasks: [{ name: "t", status: "ERROR" }] },
      { id: "held", awaitsRuns: true },
      { id: "idle" },
      { id: "overdue", overdue: true },
      { id: "stalled", stalled: { code: "LOOP_LIMIT", reason: "…" } },
    ]);
    const park = [aParkedEvent("e1", { event: aQueuedEvent("e1", { stackId: "parked" }) })];
    await commitNow(store, aPut({ id: "parked" }, { park }));

    assert.deepEqual(await listStackIds(store, { condition: "busy" }), ["busy", "held"]);
    assert.deepEqual(await listStackIds(store, { condition: "overdue" }), ["overdue"]);
    assert.deepEqual(await listStackIds(store, { condition: "waiting" }), [
      "busy",
      "failed",
      "held",
      "overdue",
      "parked",
      "stalled",
    ]);
    await commitNow(store, aPut({ id: "overdue" }));
    await commitNow(store, aPut({ id: "parked" }, { unpark: ["e1"] }));
    assert.deepEqual(await listStackIds(store, { condition: "overdue" }), []);
    assert.deepEqual(await listStackIds(store, { condition: "waiting" }), ["busy", "failed", "held", "stalled"]);
  }),

  storeCase("continues after a cursor while stacks come and go", async (store) => {
    await putAll(
      store,
      ["a", "c", "e", "g"].map((id) => ({ id })),
    );
    const first = await store.queries.listStacks({}, { limit: 2 });

    await commitNow(store, aChange({ stackId: "c", write: { kind: "remove" } }));
    await commitNow(store, aChange({ stackId: "e", write: { kind: "remove" } }));
    await putAll(store, [{ id: "b" }, { id: "f" }]);

    const second = await store.queries.listStacks({}, { limit: 10, cursor: first.cursor ?? "" });
    assert.deepEqual(
      second.items.map(({ stack }) => stack.id),
      ["f", "g"],
    );
  }),

  storeCase("lists history in order of positions, and newest first, over pages", async (store) => {
    const entries: HistoryEntry[] = ["e1", "e2", "e3", "e4", "e5"].map((id) => aHistoryEntry(id));
    await commitNow(store, aPut({}, { history: entries.slice(0, 3) }));
    await commitNow(store, aPut({ id: "s2" }, { history: entries.slice(3).map((e) => ({ ...e, stackId: "s2" })) }));

    const all = await listAll((page) => store.queries.listHistory({}, page), 2);
    const newest = await listAll((page) => store.queries.listHistory({ newestFirst: true }, page), 2);

    assert.deepEqual(toEventIds(all), ["e1", "e2", "e3", "e4", "e5"]);
    assert.deepEqual(newest, all.toReversed());
    const positions = all.map(({ position }) => position);
    assert.deepEqual(
      positions,
      [...new Set(positions)].sort((a, b) => a - b),
    );
  }),

  storeCase("lists the history of one stack and of one event", async (store) => {
    const ofStack = (stackId: string, ids: string[]) => ids.map((id) => aHistoryEntry(id, { stackId }));
    await commitNow(store, aPut({ id: "a" }, { history: ofStack("a", ["e1", "e2"]) }));
    await commitNow(store, aPut({ id: "b" }, { history: ofStack("b", ["e1", "e3"]) }));
    await commitNow(store, aPut({ id: "a" }, { history: ofStack("a", ["e1"]) }));

    const a = await listAll((page) => store.queries.listHistory({ stackId: "a" }, page), 2);
    const aNewest = await listAll((page) => store.queries.listHistory({ stackId: "a", newestFirst: true }, page), 2);
    const e1 = await listAll((page) => store.queries.listHistory({ eventId: "e1" }, page), 2);
    const both = await listAll((page) => store.queries.listHistory({ stackId: "a", eventId: "e1" }, page), 1);

    assert.deepEqual(toEventIds(a), ["e1", "e2", "e1"]);
    assert.deepEqual(aNewest, a.toReversed());
    assert.deepEqual(
      e1.map(({ stackId }) => stackId),
      ["a", "b", "a"],
    );
    assert.deepEqual(both, [a[0], a[2]]);
  }),

  storeCase("keeps a history line as it was written, and beyond the stack", async (store) => {
    const entry = aHistoryEntry("e1", {
      incarnation: "e1",
      actor: "ada",
      from: "INIT",
      to: "UP",
      metadata: { a: [1, { b: null }] },
      sent: ["plan"],
      notes: ["note"],
      machineHash: "h1",
    });
    await commitNow(store, aPut({}, { history: [entry] }));
    await commitNow(
      store,
      aChange({ write: { kind: "remove" }, history: [aHistoryEntry("e2", { outcome: "removed" })] }),
    );

    const { items } = await store.queries.listHistory({ stackId: "s1" }, { limit: 10 });

    assert.deepEqual(toEventIds(items), ["e1", "e2"]);
    assert.deepEqual(items[0], { ...entry, position: items[0]?.position });
  }),

  storeCase("continues after a cursor while history is written", async (store) => {
    const write = (id: string) => commitNow(store, aPut({}, { history: [aHistoryEntry(id)] }));
    for (const id of ["e1", "e2", "e3"]) await write(id);
    const older = await store.queries.listHistory({ newestFirst: true }, { limit: 1 });
    const newer = await store.queries.listHistory({}, { limit: 2 });

    await write("e4");

    const restOlder = await store.queries.listHistory({ newestFirst: true }, { limit: 9, cursor: older.cursor ?? "" });
    const restNewer = await store.queries.listHistory({}, { limit: 9, cursor: newer.cursor ?? "" });
    assert.deepEqual(toEventIds(restOlder.items), ["e2", "e1"]);
    assert.deepEqual(toEventIds(restNewer.items), ["e3", "e4"]);
  }),

  storeCase("refuses the cursors of other lists", async (store) => {
    const page = { limit: 9, cursor: "x" };
    const { listHistory, listDeadLetters } = store.queries;

    await assertRejects(() => listHistory({}, page), "USAGE");
    await assertRejects(() => listHistory({ stackId: "s1" }, page), "USAGE");
    await assertRejects(() => listHistory({ eventId: "e1", newestFirst: true }, page), "USAGE");
    await assertRejects(() => listDeadLetters({}, page), "USAGE");
  }),

  storeCase("counts what it holds", async (store) => {
    await commitNow(store, aPut({ id: "a", state: "UP" }, { dispatches: [aDispatch("a1", { stackId: "a" })] }));
    await commitNow(store, aPut({ id: "b", state: "UP" }, { deadLetters: [aDeadLetter("x1")] }));
    await commitNow(store, aPut({ id: "c", state: "DOWN" }));
    await commitNow(store, aPut({ id: "c", state: "UP", machine: "db" }));
    await commitNow(store, aChange({ stackId: "b", write: { kind: "remove" } }));
    const { oldestEventAt: none } = await store.queries.stats();
    await store.enqueue([aQueuedEvent("e1", { receivedAt: T0 + 5 })]);
    await store.enqueue([aQueuedEvent("e2", { receivedAt: T0 + 9 })]);
    await take(store, ["event"], { limit: 1 });

    const { states, ...counts } = await store.queries.stats();

    assert.deepEqual(counts, {
      stacks: 2,
      queuedEvents: 2,
      queuedTasks: 1,
      parkedEvents: 0,
      deadLetters: 1,
      openAttempts: 1,
      oldestEventAt: T0 + 5,
    });
    assert.equal(none, undefined);
    assert.deepEqual(states, [
      { machine: "db", state: "UP", count: 1 },
      { machine: "web", state: "UP", count: 1 },
    ]);
  }),
];

const MIB = 1_048_576;
const ROW_BYTES = 60_000;
/** Just more than `MIB` in all: a case reads each row alone, and a store may read all rows for it. */
const ROWS = 20;

type List<Item> = (page: PageInput) => Promise<Page<Item>>;

/** Reads a list to its end; no page may exceed the bytes by more than one item. */
async function readInPages<Item>(list: List<Item>, input: PageInput): Promise<readonly (readonly Item[])[]> {
  const pages: (readonly Item[])[] = [];
  for await (const { items } of listPages((start) => list({ ...input, ...start }))) {
    const bytes = items.map((item) => Buffer.byteLength(JSON.stringify(item)));
    const withoutLast = bytes.slice(0, -1).reduce((sum, each) => sum + each, 0);
    assert.ok(withoutLast < (input.maxBytes ?? MIB), `a page holds ${withoutLast} bytes and one more item`);
    pages.push(items);
  }
  return pages;
}

async function assertPaged<Item>(list: List<Item>, toId: (item: Item) => string, ids: readonly string[]) {
  for (const input of [{ limit: 1_000 }, { limit: 1_000, maxBytes: 2 * ROW_BYTES }]) {
    const pages = await readInPages(list, input);

    assert.deepEqual(pages.flat().map(toId), ids);
    assert.ok(pages.length > 1, "large rows make more than one page");
  }
  const alone = await readInPages(list, { limit: 1_000, maxBytes: 1 });
  assert.deepEqual(
    alone.filter(({ length }) => length > 0).map(({ length }) => length),
    ids.map(() => 1),
  );
}

const IDS = Array.from({ length: ROWS }, (_, index) => `s${String(index).padStart(2, "0")}`);
const LARGE = "x".repeat(ROW_BYTES);

/** Lists of large rows: pages end by bytes, so that no reader has to hold too much in memory. */
export const pageCases: readonly ConformanceCase<Store>[] = [
  storeCase("pages stacks by bytes", async (store) => {
    for (const id of IDS) await commitNow(store, aPut({ id, metadata: { note: LARGE } }));

    await assertPaged(
      (page) => store.queries.listStacks({}, page),
      ({ stack }) => stack.id,
      IDS,
    );
    await assertPaged(
      (page) => store.queries.listStacks({ machine: "web" }, page),
      ({ stack }) => stack.id,
      IDS,
    );
  }),

  storeCase("pages the history by bytes, in both directions and by stack and event", async (store) => {
    for (const id of IDS) {
      const history = [aHistoryEntry("e", { event: id, metadata: { note: LARGE } })];
      await commitNow(store, aChange({ history }));
    }

    for (const filter of [{}, { stackId: "s1" }, { eventId: "e" }]) {
      const list = (newestFirst: boolean) => (page: PageInput) =>
        store.queries.listHistory({ ...filter, newestFirst }, page);
      await assertPaged(list(false), ({ event }) => event, IDS);
      await assertPaged(list(true), ({ event }) => event, IDS.toReversed());
    }
  }),

  storeCase("pages dead letters by bytes", async (store) => {
    const message = { event: "PUSH", stackId: "s1", note: LARGE };
    for (const id of IDS) {
      const event = aQueuedEvent(`event-of-${id}`, { message });
      await commitNow(store, aChange({ deadLetters: [aDeadLetter(id, { event })] }));
    }

    for (const filter of [{}, { stackId: "s1" }]) {
      await assertPaged(
        (page) => store.queries.listDeadLetters(filter, page),
        ({ id }) => id,
        IDS.toReversed(),
      );
    }
  }),

  storeCase("continues the list of stacks after any id", async (store) => {
    for (const id of ["a", "c", "d"]) await commitNow(store, aPut({ id }));

    for (const [cursor, ids] of [
      ["a", ["c", "d"]],
      ["b", ["c", "d"]],
      ["d", []],
    ] as const) {
      const { items } = await store.queries.listStacks({}, { limit: 9, cursor });
      assert.deepEqual(
        items.map(({ stack }) => stack.id),
        ids,
      );
    }
  }),

  storeCase("continues the history after any position", async (store) => {
    const ids = ["a", "b", "c", "d"];
    for (const [index, id] of ids.entries()) {
      await commitNow(
        store,
        aChange({ stackId: `s${index % 2}`, history: [aHistoryEntry(id, { stackId: `s${index % 2}` })] }),
      );
    }
    const { items } = await store.queries.listHistory({}, { limit: 9 });
    const listAfter = async (filter: { readonly stackId?: string }, after: number) => {
      const page = await store.queries.listHistory(filter, { limit: 9, cursor: String(after) });
      return page.items.map(({ eventId }) => eventId);
    };

    for (const [index, { position }] of items.entries()) {
      assert.deepEqual(await listAfter({}, position), ids.slice(index + 1));
      const ofStack = ids.filter((_, at) => at > index && at % 2 === 0);
      assert.deepEqual(await listAfter({ stackId: "s0" }, position), ofStack);
    }
    assert.deepEqual(await listAfter({}, 0), ids);
    assert.deepEqual(await listAfter({ stackId: "s0" }, (items.at(-1)?.position ?? 0) + 5), []);
  }),
];
