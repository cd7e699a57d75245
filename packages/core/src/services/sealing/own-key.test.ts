import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../../engine/index.ts";
import { OWN_SEAL_KEY, withOwnKey } from "./own-key.ts";
import { checkSealKey } from "./sealed-store.ts";
import { createSealer, type Sealer } from "./sealer.ts";

const clock = { now: () => 1 };
const bytes = new TextEncoder().encode("hunter2");
const read = async (sealer: Sealer | undefined, sealed: Uint8Array) => {
  const opened = await sealer?.open(sealed);
  return opened && new TextDecoder().decode(opened);
};

describe("the seal key that a yard makes", () => {
  it("is one for all processes that begin at once, and lies in the store", async () => {
    const { records } = createMemoryStore();

    const [first, second] = await Promise.all(
      [1, 2].map(() => withOwnKey({ records, clock }, undefined, { makes: true })),
    );

    expect(await read(second, (await first?.seal(bytes)) ?? bytes)).toBe("hunter2");
    expect((await records.get(OWN_SEAL_KEY, 1))?.value).toEqual(expect.stringMatching(/^.{44}$/));
  });

  it("opens what it has sealed after another one was given, which seals from then on", async () => {
    const { records } = createMemoryStore();
    const own = await withOwnKey({ records, clock }, undefined, { makes: true });
    await checkSealKey(records, own, 1);
    const sealed = (await own?.seal(bytes)) ?? bytes;
    const given = createSealer([Buffer.alloc(32, 1)]);

    const both = await withOwnKey({ records, clock }, given, { makes: true });
    await checkSealKey(records, both, 1);
    const without = await withOwnKey({ records, clock }, undefined, { makes: true });

    expect(await read(both, sealed)).toBe("hunter2");
    expect(both?.keyId).toBe(given.keyId);
    expect(await read(given, (await both?.seal(bytes)) ?? bytes)).toBe("hunter2");
    await expect(checkSealKey(records, without, 1)).rejects.toMatchObject({ code: "SEAL_KEY_MISSING" });
  });

  it("is not made where a key is given, where it was, and by what only reads", async () => {
    const given = createSealer([Buffer.alloc(32, 1)]);
    const { records } = createMemoryStore();

    expect(await withOwnKey({ records, clock }, undefined, { makes: false })).toBeUndefined();
    expect(await withOwnKey({ records, clock }, given, { makes: true })).toBe(given);
    await checkSealKey(records, given, 1);
    expect(await withOwnKey({ records, clock }, undefined, { makes: true })).toBeUndefined();
    expect(await records.get(OWN_SEAL_KEY, 1)).toBeUndefined();
  });
});
