import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { readCompressed, writeCompressed } from "./compressed-records.ts";

describe("compressed records", () => {
  it("return the bytes that were written, whatever they are", async () => {
    const { records } = createMemoryStore();
    let number = 0;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (bytes) => {
        number += 1;
        const prefix = `content/${number}`;
        const place = { keyOf: (index: number) => `${prefix}/${index}`, now: 1 };

        const chunks = await writeCompressed(records, place, bytes);

        const read = await readCompressed(records, place, { chunks, maxBytes: 2_000 });
        expect(new Uint8Array(read ?? [])).toEqual(new Uint8Array(bytes));
      }),
    );
  });

  it("return nothing when one of them is missing", async () => {
    const { records } = createMemoryStore();
    const place = { keyOf: (index: number) => `content/${index}`, now: 1 };
    const chunks = await writeCompressed(records, place, new Uint8Array(10));

    expect(await readCompressed(records, place, { chunks: chunks + 1, maxBytes: 10 })).toBeUndefined();
  });
});
