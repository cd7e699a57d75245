import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSealer, parseSealKeys } from "./sealer.ts";

const a = new Uint8Array(32).fill(1);
const b = new Uint8Array(32).fill(2);
const text = new TextEncoder().encode("secret value");

describe("a sealer", () => {
  it("opens what it sealed, whatever it is", async () => {
    const sealer = createSealer([a]);

    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (bytes) => {
        expect(await sealer.open(await sealer.seal(bytes))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it("seals the same bytes differently each time, and shows nothing of them", async () => {
    const [first, second] = await Promise.all([createSealer([a]).seal(text), createSealer([a]).seal(text)]);

    expect(first).not.toEqual(second);
    expect(Buffer.from(first).includes("secret")).toBe(false);
  });

  it("seals with the newest key and opens with every key that it has", async () => {
    const old = await createSealer([b]).seal(text);
    const rotated = createSealer([a, b]);

    expect(await rotated.open(old)).toEqual(Buffer.from(text));
    expect(await createSealer([b]).open(await rotated.seal(text))).toBeUndefined();
    expect(await createSealer([a]).open(await rotated.seal(text))).toEqual(Buffer.from(text));
  });

  it("opens nothing that was changed, at any place, or cut", async () => {
    const sealer = createSealer([a]);
    const sealed = await sealer.seal(text);

    for (let index = 0; index < sealed.length; index++) {
      const changed = Uint8Array.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(await sealer.open(changed)).toBeUndefined();
      expect(await sealer.open(sealed.subarray(0, index))).toBeUndefined();
    }
  });

  it.each([[[]], [[new Uint8Array(31)]], [[a, new Uint8Array(0)]]])("refuses the keys of case %#", (keys) => {
    expect(() => createSealer(keys)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});

describe("parseSealKeys", () => {
  const base64 = Buffer.from(new Uint8Array(32).fill(251)).toString("base64");
  const base64url = Buffer.from(new Uint8Array(32).fill(251)).toString("base64url");

  it("reads base64 and base64url, parted by commas or lines", () => {
    const keys = parseSealKeys(`${base64},\n${base64url}\n`, "STACKYARD_SEAL_KEY");

    expect(keys.map((key) => Buffer.from(key).toString("base64"))).toEqual([base64, base64]);
  });

  it.each(["", " , ", "short", `${base64}x`, "!".repeat(44)])("refuses %j, and does not show it", (given) => {
    const read = () => parseSealKeys(given, "STACKYARD_SEAL_KEY");

    expect(read).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    expect(read).toThrow(/^STACKYARD_SEAL_KEY must contain keys of 32 bytes in base64/);
  });
});
