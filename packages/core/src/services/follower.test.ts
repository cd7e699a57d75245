import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { createFakeClock } from "../testing/fake-clock.ts";
import { listNotices } from "../testing/list-notices.ts";
import { aChange, aHistoryEntry, commitNow } from "../testing/store-conformance/store-builders.ts";
import { createFollower, type FollowedLines } from "./follower.ts";

function createBench() {
  const clock = createFakeClock();
  const store = createMemoryStore();
  const { records, queries } = store;
  const handled: FollowedLines[] = [];
  const follower = createFollower({ records, queries, clock }, "reports");
  let written = 0;
  return {
    handled,
    follower,
    store,
    clock,
    async write(lines: number) {
      for (let line = 0; line < lines; line++) {
        const id = `e${++written}`;
        const history = [aHistoryEntry(id, { stackId: id })];
        await commitNow(store, aChange({ stackId: id, history, now: clock.now() }));
      }
    },
    async read() {
      const { hasMore } = await follower.next(async (followed) => void handled.push(followed));
      return hasMore;
    },
    ids: () => handled.flatMap(({ lines }) => lines.map(({ eventId }) => eventId)),
  };
}

describe("a follower of the history", () => {
  it("begins after the newest line, and hands over each new one in order", async () => {
    const bench = createBench();
    await bench.write(3);
    await bench.read();
    await bench.write(450);

    while (await bench.read());

    expect(bench.ids()).toEqual(Array.from({ length: 450 }, (_, index) => `e${index + 4}`));
    expect(bench.handled.map(({ hasGap }) => hasGap)).not.toContain(true);
  });

  it("is read by a caller that stores its position itself, such as after each line", async () => {
    const bench = createBench();
    await bench.follower.read();
    await bench.write(3);
    const [first] = (await bench.follower.read()).lines;
    await bench.follower.keep(first?.position ?? 0);

    const { lines, end, isNew } = await bench.follower.read();
    await bench.follower.keep(end);

    expect(lines.map(({ eventId }) => eventId)).toEqual(["e2", "e3"]);
    expect([isNew, (await bench.follower.read()).isNew]).toEqual([true, false]);
  });

  it("hands lines over again when they could not be handled", async () => {
    const bench = createBench();
    await bench.read();
    await bench.write(1);
    const failing = bench.follower.next(async () => {
      throw new Error("down");
    });
    await expect(failing).rejects.toThrow("down");

    await bench.read();
    await bench.read();

    expect(bench.ids()).toEqual(["e1"]);
  });

  it("writes nothing where nothing is new", async () => {
    const bench = createBench();
    await bench.read();
    const before = await bench.store.records.get("followers/reports", bench.clock.now());

    await bench.read();

    expect(await bench.store.records.get("followers/reports", bench.clock.now())).toEqual(before);
    expect(bench.handled).toEqual([]);
  });

  it("says that lines may be lost when the history was pruned beyond its position", async () => {
    const bench = createBench();
    await bench.read();
    await bench.write(5);
    const { queries } = bench.store;
    const pruned: typeof queries.listHistory = async (filter, page) => {
      const cursor = String(Math.max(3, Number(page.cursor ?? 0)));
      return queries.listHistory(filter, { ...page, cursor });
    };
    const { records } = bench.store;
    const follower = createFollower({ records, queries: { listHistory: pruned }, clock: bench.clock }, "reports");

    await follower.next(async (followed) => void bench.handled.push(followed));

    const noticed = await listNotices(records, bench.clock.now());

    expect(bench.ids()).toEqual(["e4", "e5"]);
    expect(bench.handled[0]?.hasGap).toBe(true);
    expect(noticed).toMatchObject([{ kind: "history-gap", data: { follower: "reports" } }]);
  });

  it("says so too when the store was restored to an earlier time, and continues there", async () => {
    const bench = createBench();
    await bench.write(2);
    const now = bench.clock.now();
    await bench.store.records.put({ key: "followers/reports", value: { position: 900 }, expected: "absent", now });

    await bench.read();
    await bench.write(1);
    await bench.read();

    expect(bench.handled.map(({ hasGap }) => hasGap)).toEqual([true, false]);
    expect(bench.ids()).toEqual(["e3"]);
  });

  it.each(["", "A", "a/b"])("refuses %j as its name", (name) => {
    const { store, clock } = createBench();
    const { records, queries } = store;
    expect(() => createFollower({ records, queries, clock }, name)).toThrow(/is not the name of a follower/);
  });
});
