import { describe, expect, it } from "vitest";
import type { Revision } from "../ports/locator.ts";
import { aMachine } from "../testing/builders.ts";
import { createRevisionCache, remember } from "./machine-finder.ts";

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
    );
    cache.offer(revision);

    await expect(cache.keep("h1")).rejects.toThrow("no disk");
    await expect(cache.keep("h1")).resolves.toBeUndefined();
  });
});

describe("what is remembered", () => {
  it("is bounded: the oldest goes", () => {
    const cache = new Map<string, number>();

    for (let number = 0; number < 1_500; number += 1) remember(cache, `k${number}`, number);
    remember(cache, "k700", -1);

    expect([cache.size, cache.has("k499"), cache.has("k500"), cache.get("k700")]).toEqual([1_000, false, true, -1]);
  });
});
