import assert from "node:assert/strict";
import type { Page, PageInput } from "../../ports/records.ts";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import { aChange, aHistoryEntry, aPut, aQueuedEvent, aSetAsideEvent, commitNow } from "./store-builders.ts";
import { storeCase } from "./store-case.ts";

const MIB = 1_048_576;
const ROW_BYTES = 60_000;
const ROWS = 40;

type List<Item> = (page: PageInput) => Promise<Page<Item>>;

/** Reads a list to its end; no page may exceed the bytes by more than one item. */
async function readInPages<Item>(list: List<Item>, input: PageInput): Promise<readonly (readonly Item[])[]> {
  const pages: (readonly Item[])[] = [];
  let cursor: string | undefined;
  do {
    const page = await list({ ...input, ...(cursor === undefined ? {} : { cursor }) });
    const bytes = page.items.map((item) => Buffer.byteLength(JSON.stringify(item)));
    const withoutLast = bytes.slice(0, -1).reduce((sum, each) => sum + each, 0);
    assert.ok(withoutLast < (input.maxBytes ?? MIB), `a page holds ${withoutLast} bytes and one more item`);
    pages.push(page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
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

/** Lists of rows that are large: pages end by bytes, so that no reader holds more than it can. */
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
      await commitNow(store, aChange({ setAside: [aSetAsideEvent(id, { event })] }));
    }

    for (const filter of [{}, { stackId: "s1" }]) {
      await assertPaged(
        (page) => store.queries.listSetAside(filter, page),
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
