import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inChunks } from "../testing/a-copier.ts";
import { createByteReader } from "./byte-reader.ts";

async function drain(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("a byte reader", () => {
  it("divides any stream at any bytes, and loses none", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 30 }),
        async (bytes, chunk, piece) => {
          const reader = createByteReader(inChunks(Buffer.from(bytes), chunk));
          const pieces: Buffer[] = [];
          while (!(await reader.isAtEnd())) pieces.push(await drain(reader.take(piece)));
          expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
          expect(pieces.slice(0, -1).every(({ length }) => length === piece)).toBe(true);
          expect(pieces).toHaveLength(Math.ceil(bytes.length / piece));
        },
      ),
    );
  });
});
