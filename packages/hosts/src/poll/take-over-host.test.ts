import type { Records } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { takeOverHost } from "./take-over-host.ts";

const OLD = "hooks/pulls/github/1/7";
const NEW = "hooks/pulls/forge/1/7";
const open = (head: string) => ({
  phase: "open",
  updatedAt: 1,
  head,
  target: { mapping: "shop", stackId: "shop-pr-7" },
});

/** Records in which another server writes once, after the first read of a key. */
function createRace(readKey: string, write: (records: Records) => Promise<unknown>): Records {
  const { records } = createMemoryStore();
  let isOver = false;
  return {
    ...records,
    async get(key, now) {
      const found = await records.get(key, now);
      if (key === readKey && !isOver) {
        isOver = true;
        await write(records);
      }
      return found;
    },
  };
}

async function takeOver(records: Records) {
  const clock = createFakeClock();
  const now = clock.now();
  await records.put({ key: OLD, value: open("a"), expected: "absent", now });
  await takeOverHost({ records, clock }, { from: "github", to: "forge" });
  return Promise.all([OLD, NEW].map(async (key) => (await records.get(key, now))?.value));
}

describe("the take-over of a pull request from the former name of its host", () => {
  it("keeps its stack when a delivery under the new name is decided on meanwhile", async () => {
    const records = createRace(NEW, (own) =>
      own.put({ key: NEW, value: { phase: "none", updatedAt: 1 }, expected: "absent", now: 0 }),
    );

    expect(await takeOver(records)).toEqual([undefined, open("a")]);
  });

  it("removes only what it has copied, not what another server has written meanwhile", async () => {
    const records = createRace(NEW, async (own) => {
      const found = await own.get(OLD, 0);
      await own.put({ key: OLD, value: open("b"), expected: found?.version ?? "absent", now: 0 });
    });

    expect(await takeOver(records)).toEqual([open("b"), open("a")]);
  });
});
