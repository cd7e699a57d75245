import { createFakeClock, createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createCopyLedger } from "./copy-ledger.ts";
import { createCopyMemory } from "./create-copy-memory.ts";

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

  it("stops where somebody else writes, and says no more then", async () => {
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

  it("goes on with what was kept", async () => {
    const { ledger, open } = await createLedger();
    await ledger.add(1, '"0123456789abcdef0123456789abcdef"', 1);
    await ledger.close({ SOURCE_DENIED: 2 }, true);

    const next = createCopyLedger(await open());

    expect([next.counts, next.findEtag(1)]).toEqual([{ SOURCE_DENIED: 2 }, '"0123456789abcdef0123456789abcdef"']);
    expect(next.upload).toMatchObject({ id: "u", plan: "p" });
  });
});
