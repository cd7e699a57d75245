import { createFakeClock, createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { packEtag, unpackEtag } from "./copy-progress.ts";
import { createCopyMemory } from "./create-copy-memory.ts";

const NEWS = { stalls: 1, counts: { SOURCE_DENIED: 1 } };

function createMemory() {
  const clock = createFakeClock();
  const records = createMemoryRecords();
  return { clock, records, memory: createCopyMemory(records, clock) };
}

describe("the memory of copies", () => {
  it("gives the next attempt what the last one saved", async () => {
    const { memory, clock } = createMemory();
    const upload = { id: "u", plan: "p", etags: ["", packEtag('"0123456789abcdef0123456789abcdef"')] };
    await (await memory.open("k", "s")).save({ ...NEWS, upload });

    const { progress } = await memory.open("k", "s");

    expect(progress).toEqual({ ...NEWS, upload, key: "k", savedAt: clock.now() });
  });

  it("keeps copies of the same key with other bytes apart", async () => {
    const { memory } = createMemory();
    await (await memory.open("k", "s")).save(NEWS);

    const others = [await memory.open("k", "t"), await memory.open("k", undefined), await memory.open("l", "s")];

    expect(others.map(({ progress }) => progress)).toEqual([undefined, undefined, undefined]);
  });

  it("takes one writer at a time, and forgets only what that one wrote", async () => {
    const { memory } = createMemory();
    const [slow, fast] = [await memory.open("k", "s"), await memory.open("k", "s")];

    const saved = [await fast.save(NEWS), await slow.save(NEWS), await fast.save(NEWS)];
    await slow.forget();

    expect(saved).toEqual([true, false, true]);
    expect((await memory.open("k", "s")).progress).toMatchObject(NEWS);
    await fast.forget();
    expect((await memory.open("k", "s")).progress).toBeUndefined();
  });

  it("writes over what it cannot read", async () => {
    const { memory, records, clock } = createMemory();
    await (await memory.open("k", "s")).save(NEWS);
    const [found] = (await records.list("copy/", { limit: 10, now: clock.now() })).items;
    const broken = { key: found?.key ?? "", value: "?", expected: found?.version ?? 0, now: clock.now() };
    await records.put(broken);

    const record = await memory.open("k", "s");

    expect([record.progress, await record.save(NEWS)]).toEqual([undefined, true]);
  });

  it("lists what was saved before an instant", async () => {
    const { memory, clock } = createMemory();
    for (let count = 0; count < 250; count += 1) await (await memory.open(`old-${count}`, "s")).save(NEWS);
    const limit = clock.now() + 1;
    await clock.advance(1);
    await (await memory.open("young", "s")).save(NEWS);

    const keys = [];
    for await (const { progress } of memory.listIdle(limit)) keys.push(progress?.key);

    expect([keys.length, keys.includes("young")]).toEqual([250, false]);
  });
});

describe("a packed ETag", () => {
  it.each(['"0123456789abcdef0123456789abcdef"', '"0123456789abcdef0123456789abcdef-3"', "W/x", ""])(
    "is %s again",
    (etag) => expect(unpackEtag(packEtag(etag))).toBe(etag),
  );

  it("lets 10,000 of them fit into a record", () => {
    const etags = Array.from({ length: 10_000 }, () => packEtag(`"${"f".repeat(32)}"`));

    expect(JSON.stringify(etags).length).toBeLessThan(255 * 1_024);
  });
});
