import { describe, expect, it } from "vitest";
import type { Revision } from "../../ports/locator.ts";
import { aMachine } from "../../testing/builders.ts";
import { createRevisionCache } from "./revision-cache.ts";

const revision: Revision = { name: "web", hash: "h1", source: "name: web" };

function createBench(kept: readonly Revision[] = []) {
  const store = new Map(kept.map((each) => [each.hash, each]));
  const calls: string[] = [];
  const cache = createRevisionCache(
    {
      async put(each) {
        calls.push(`put ${each.hash}`);
        store.set(each.hash, each);
      },
      async get(hash) {
        calls.push(`get ${hash}`);
        return store.get(hash);
      },
    },
    ({ name, hash, source }) => (source === "broken" ? undefined : aMachine({ INIT: {} }, { name, hash })),
    { now: () => 0 },
  );
  return { cache, calls };
}

describe("the revisions", () => {
  it("are compiled once", async () => {
    const { cache, calls } = createBench([revision]);

    const first = await cache.find("h1");
    const second = await cache.find("h1");

    expect(first?.hash).toBe("h1");
    expect(second).toBe(first);
    expect(calls).toEqual(["get h1"]);
  });

  it("are looked for again while they are not kept, or do not compile", async () => {
    const { cache, calls } = createBench([{ ...revision, source: "broken" }]);

    expect([await cache.find("h1"), await cache.find("h2"), await cache.find("h2")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(calls).toEqual(["get h1", "get h2", "get h2"]);
  });

  it("are kept once, before a stack refers to them, and only those that were offered", async () => {
    const { cache, calls } = createBench();
    cache.offer(revision);
    cache.offer({ ...revision, hash: "h2" });

    await cache.keep("h1");
    await cache.keep("h1");
    cache.offer(revision);
    await cache.keep("h1");
    await cache.keep("h3");

    expect(calls).toEqual(["put h1"]);
  });

  it("are offered again when they could not be kept", async () => {
    let failures = 1;
    const cache = createRevisionCache(
      {
        put: async () => {
          failures -= 1;
          if (failures >= 0) throw new Error("no disk");
        },
        get: async () => undefined,
      },
      () => undefined,
      { now: () => 0 },
    );
    cache.offer(revision);

    await expect(cache.keep("h1")).rejects.toThrow("no disk");
    await expect(cache.keep("h1")).resolves.toBeUndefined();
  });
});
