import { describe, expect, it } from "vitest";
import { defined } from "../machine/json.ts";
import { createMemoryStore } from "../memory/memory-store.ts";
import {
  aChange,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  commitNow,
  T0,
} from "../testing/store-conformance/store-builders.ts";
import { listParked } from "./list-parked.ts";

async function createBench() {
  const store = createMemoryStore();
  const park = (stackId: string, ids: readonly string[]) =>
    ids.map((id, index) => {
      const parkedAt = T0 - index;
      return aParkedEvent(id, { event: aQueuedEvent(id, { stackId }), parkedAt, code: index === 1 ? "X" : "Y" });
    });
  await commitNow(store, aPut({ id: "b" }, { park: park("b", ["b1", "b2", "b3"]) }));
  await commitNow(store, aChange({ stackId: "a", park: park("a", ["a1", "a2"]) }));
  return store;
}

const idsOf = ({ items }: Awaited<ReturnType<typeof listParked>>) => items.map(({ parked }) => parked.event.id);

describe("the list of parked events", () => {
  it("is in order of stacks, oldest first, and says whether the stack exists", async () => {
    const page = await listParked(await createBench(), {}, { limit: 9 });

    expect(page.items.map(({ parked, stackExists }) => [parked.event.id, stackExists])).toEqual([
      ["a2", false],
      ["a1", false],
      ["b3", true],
      ["b2", true],
      ["b1", true],
    ]);
    expect(page.cursor).toBeUndefined();
  });

  it("is listed by stack and by code", async () => {
    const store = await createBench();

    expect(idsOf(await listParked(store, { stackId: "b" }, { limit: 9 }))).toEqual(["b3", "b2", "b1"]);
    expect(idsOf(await listParked(store, { code: "X" }, { limit: 9 }))).toEqual(["a2", "b2"]);
    expect(idsOf(await listParked(store, { stackId: "a", code: "Y" }, { limit: 9 }))).toEqual(["a1"]);
    expect(idsOf(await listParked(store, { stackId: "none" }, { limit: 9 }))).toEqual([]);
  });

  it.each([1, 2, 3, 4])("is the same over pages of %i while events come and go", async (limit) => {
    const store = await createBench();
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listParked(store, {}, { limit, ...defined({ cursor }) });
      seen.push(...idsOf(page));
      cursor = page.cursor;
      await commitNow(store, aChange({ stackId: "a", unpark: ["a2"] }));
    } while (cursor !== undefined);

    expect(seen).toEqual(["a2", "a1", "b3", "b2", "b1"]);
  });

  it.each(["x", "[]", '["a","b","c"]'])("refuses the cursor %s of another list", async (cursor) => {
    await expect(listParked(await createBench(), {}, { limit: 1, cursor })).rejects.toMatchObject({ code: "USAGE" });
  });
});
