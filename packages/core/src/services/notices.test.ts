import { describe, expect, it } from "vitest";
import { createMemoryRecords } from "../memory/memory-records.ts";
import { createFakeClock } from "../testing/fake-clock.ts";
import { followNotices, type Notice, type NoticeInput, notify } from "./notices.ts";

const DAY = 86_400_000;
const orphan: NoticeInput = { kind: "orphan", key: "arn:1", title: "A bucket is left", text: "Delete it." };

function createBench() {
  const clock = createFakeClock();
  const deps = { records: createMemoryRecords(), clock };
  return {
    clock,
    deps,
    async follow(): Promise<readonly Notice[]> {
      const found: Notice[] = [];
      await followNotices(deps, async (notices) => void found.push(...notices));
      return found;
    },
  };
}

describe("notices", () => {
  it("are handed over once, oldest first", async () => {
    const { deps, clock, follow } = createBench();
    const start = clock.now();
    for (let index = 0; index < 5; index++) {
      await notify(deps, { ...orphan, key: `arn:${index}` });
      await clock.advance(1_000);
    }

    const first = await follow();

    expect(first.map(({ key, at }) => [key, at - start])).toEqual([0, 1, 2, 3, 4].map((n) => [`arn:${n}`, n * 1_000]));
    expect(await follow()).toEqual([]);
  });

  it("of one kind and key are one for 30 days", async () => {
    const { deps, clock, follow } = createBench();
    await notify(deps, orphan);
    await follow();
    await clock.advance(29 * DAY);
    await notify(deps, { ...orphan, text: "Still there." });
    expect(await follow()).toEqual([]);
    await clock.advance(2 * DAY);

    await notify(deps, orphan);

    expect(await follow()).toMatchObject([orphan]);
  });

  it("are handed over again when they could not be handled", async () => {
    const { deps, follow } = createBench();
    await notify(deps, orphan);
    const failing = followNotices(deps, async () => {
      throw new Error("down");
    });
    await expect(failing).rejects.toThrow("down");

    expect(await follow()).toMatchObject([orphan]);
  });

  it.each(["before", "after"])(
    "keep their id when a process dies %s the first write, and it is repeated",
    async (at) => {
      const { deps, follow } = createBench();
      const { records } = deps;
      const put: typeof records.put = async (input) => {
        if (at === "after") await records.put(input);
        throw new Error("died");
      };
      await expect(notify({ ...deps, records: { ...records, put } }, orphan)).rejects.toThrow("died");
      const early = await follow();

      await notify(deps, orphan);
      const late = await follow();

      expect(early).toHaveLength(at === "after" ? 1 : 0);
      expect(late).toMatchObject([orphan]);
      for (const { id } of early) expect(id).toBe(late[0]?.id);
    },
  );

  it("are short, and go by pages", async () => {
    const { deps, follow } = createBench();
    for (let index = 0; index < 101; index++) {
      await notify(deps, { ...orphan, key: `${index}`, title: "x".repeat(300), text: "y".repeat(5_000) });
    }

    const first = await follow();
    const second = await follow();

    expect([first.length, second.length]).toEqual([100, 1]);
    expect([first[0]?.title.length, first[0]?.text.length]).toEqual([255, 4_096]);
  });
});
