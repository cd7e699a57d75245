import { createFakeClock, createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createCopyLedger, createCopyMemory, packEtag, unpackEtag } from "./copy-memory.ts";

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

const MIB = 1_024 ** 2;

async function createLedger() {
  const memory = createCopyMemory(createMemoryRecords(), createFakeClock());
  const open = () => memory.open("k", "s");
  const ledger = createCopyLedger(await open());
  await ledger.begin({ id: "u", plan: "p" });
  return { open, ledger, saved: async () => (await open()).progress };
}

describe("the ledger of a copy", () => {
  it("keeps large parts at once, and small ones together", async () => {
    const { ledger, saved } = await createLedger();

    await ledger.add(2, '"b"', 32 * MIB);
    const few = (await saved())?.upload?.etags;
    await ledger.add(1, '"a"', 32 * MIB);

    expect([few, (await saved())?.upload?.etags]).toEqual([[], ['"a"', '"b"']]);
    expect([ledger.findEtag(1), ledger.findEtag(2), ledger.findEtag(3), ledger.newBytes]).toEqual([
      ...['"a"', '"b"', undefined],
      64 * MIB,
    ]);
  });

  it("keeps all of several parts that end at once", async () => {
    const { ledger, saved } = await createLedger();

    await Promise.all([1, 2, 3, 4].map((number) => ledger.add(number, `"${number}"`, 64 * MIB)));

    expect((await saved())?.upload?.etags).toEqual(['"1"', '"2"', '"3"', '"4"']);
  });

  it("stops when another process writes, and reports nothing more after that", async () => {
    const { ledger, open, saved } = await createLedger();
    await (await open()).save({ stalls: 9, counts: {} });

    await expect(ledger.add(1, '"a"', 64 * MIB)).rejects.toMatchObject({ fault: { code: "COPY_BUSY" } });
    await ledger.close({}, true);

    expect(await saved()).toMatchObject({ stalls: 9 });
  });

  it("counts attempts that got nowhere, until one gets somewhere", async () => {
    const { ledger, open } = await createLedger();

    const stalls = [await ledger.close({}, true)];
    const second = createCopyLedger(await open());
    stalls.push(await second.close({}, true), await second.close({}, false));
    const third = createCopyLedger(await open());
    await third.add(1, '"a"', 1);
    stalls.push(await third.close({}, true));

    expect(stalls).toEqual([1, 2, 1, 0]);
  });

  it("continues with what was kept", async () => {
    const { ledger, open } = await createLedger();
    await ledger.add(1, '"0123456789abcdef0123456789abcdef"', 1);
    await ledger.close({ SOURCE_DENIED: 2 }, true);

    const next = createCopyLedger(await open());

    expect([next.counts, next.findEtag(1)]).toEqual([{ SOURCE_DENIED: 2 }, '"0123456789abcdef0123456789abcdef"']);
    expect(next.upload).toMatchObject({ id: "u", plan: "p" });
  });
});
