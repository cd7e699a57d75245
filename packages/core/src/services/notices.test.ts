import { describe, expect, it } from "vitest";
import { createMemoryRecords } from "../memory/memory-records.ts";
import { createFakeClock } from "../testing/fake-clock.ts";
import { listNotices } from "../testing/list-notices.ts";
import { followNotices, hasNoticeAfter, type NoticeInput, notify } from "./notices.ts";

const DAY = 86_400_000;
const orphan: NoticeInput = { kind: "orphan", key: "arn:1", title: "A bucket is left", text: "Delete it." };

async function createBench() {
  const clock = createFakeClock();
  const deps = { records: createMemoryRecords(), clock };
  const open = (name: string) => followNotices(deps, name);
  const reader = open("reader");
  await reader.read();
  return {
    clock,
    deps,
    reader,
    open,
    list: () => listNotices(deps.records, clock.now()),
    async follow() {
      const { notices, end } = await reader.read();
      await reader.keep(end);
      return notices;
    },
  };
}

describe("notices", () => {
  it("are handed over once, in their order, whatever the clocks of their writers say", async () => {
    const { deps, clock, follow } = await createBench();
    const start = clock.now();
    for (let index = 0; index < 5; index++) {
      const own = { ...deps, clock: { now: () => start + (index % 2) * DAY } };
      await notify(own, { ...orphan, key: `arn:${index}` });
    }

    const first = await follow();

    expect(first.map(({ key, position }) => [key, position])).toEqual([1, 2, 3, 4, 5].map((n) => [`arn:${n - 1}`, n]));
    expect(await follow()).toEqual([]);
  });

  it("are read by each reader, from where it stands; a new one begins at the end", async () => {
    const { deps, follow, open } = await createBench();
    await notify(deps, orphan);
    const late = open("late");
    expect(await late.read()).toMatchObject({ notices: [], end: 1 });
    await notify(deps, { ...orphan, key: "arn:2" });

    expect((await follow()).map(({ key }) => key)).toEqual(["arn:1", "arn:2"]);
    expect((await late.read()).notices.map(({ key }) => key)).toEqual(["arn:2"]);
  });

  it("of one kind and key are one for 30 days", async () => {
    const { deps, clock, follow } = await createBench();
    await notify(deps, orphan);
    await follow();
    await clock.advance(29 * DAY);
    await notify(deps, { ...orphan, text: "Still there." });
    expect(await follow()).toEqual([]);
    await clock.advance(2 * DAY);

    await notify(deps, orphan);

    expect(await follow()).toMatchObject([orphan]);
  });

  it("are kept for 30 days, and a reader that was away for longer continues with the oldest", async () => {
    const { deps, clock, follow, list } = await createBench();
    for (let index = 0; index < 3; index++) await notify(deps, { ...orphan, key: `old:${index}` });
    await clock.advance(31 * DAY);
    expect([await list(), await follow()]).toEqual([[], []]);
    await notify(deps, { ...orphan, key: "new" });

    expect(await follow()).toMatchObject([{ key: "new", position: 4 }]);
  });

  it("are handed over again when their position was not stored", async () => {
    const { deps, reader, follow } = await createBench();
    await notify(deps, orphan);
    await reader.read();

    expect(await follow()).toMatchObject([orphan]);
  });

  it("are one each when processes notice them at once, and all of them are read", async () => {
    const { deps, follow, list } = await createBench();
    const keys = Array.from({ length: 20 }, (_, index) => `arn:${index % 10}`);

    await Promise.all(keys.map((key) => notify(deps, { ...orphan, key })));

    const read = await follow();
    expect(new Set(read.map(({ key }) => key)).size).toBe(10);
    expect(read).toEqual(await list());
    expect(read.map(({ position }) => position)).toEqual(read.map((_, index) => index + 1));
  });

  it.each([1, 2, 3])(
    "are one when a process dies at write %i, before or after it, and it is repeated",
    async (death) => {
      for (const at of ["before", "after"]) {
        const { deps, list } = await createBench();
        const { records } = deps;
        let puts = 0;
        const put: typeof records.put = async (input) => {
          puts += 1;
          if (puts === death && at === "before") throw new Error("died");
          const result = await records.put(input);
          if (puts === death) throw new Error("died");
          return result;
        };
        await expect(notify({ ...deps, records: { ...records, put } }, orphan)).rejects.toThrow("died");

        await notify(deps, orphan);

        expect(await list()).toMatchObject([orphan]);
      }
    },
  );

  it("are short, and go by pages", async () => {
    const { deps, follow } = await createBench();
    for (let index = 0; index < 101; index++) {
      await notify(deps, { ...orphan, key: `${index}`, title: "x".repeat(300), text: "y".repeat(5_000) });
    }
    expect(await hasNoticeAfter(deps, 100)).toBe(true);
    expect(await hasNoticeAfter(deps, 101)).toBe(false);

    const first = await follow();
    const second = await follow();

    expect([first.length, second.length]).toEqual([100, 1]);
    expect([first[0]?.title.length, first[0]?.text.length]).toEqual([255, 4_096]);
  });
});
