import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFileDigest, MAX_PARTS, toCompositeSha256, toUploadPartBytes } from "./file-parts.ts";
import { PART_BYTES } from "./manifest.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("the digest of a file", () => {
  it("is the same however its bytes come, and its parts are those of the whole", () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 10 });
    fc.assert(
      fc.property(chunks, fc.integer({ min: 1, max: 16 }), (given, partBytes) => {
        const whole = Buffer.concat(given);
        const digest = createFileDigest(partBytes);
        for (const chunk of given) digest.update(chunk);

        const { size, sha256: ofWhole, parts } = digest.end();

        const expected = Array.from({ length: Math.ceil(whole.length / partBytes) }, (_, index) =>
          whole.subarray(index * partBytes, (index + 1) * partBytes),
        );
        expect([size, ofWhole]).toEqual([whole.length, sha256(whole)]);
        expect(parts).toEqual(expected.map((part) => ({ size: part.length, sha256: sha256(part) })));
      }),
    );
  });

  it("over parts is the digest of their digests, with their number", () => {
    const parts = ["a", "b"].map((text) => ({ size: 1, sha256: sha256(Buffer.from(text)) }));
    const bytes = Buffer.concat(parts.map((part) => Buffer.from(part.sha256, "hex")));

    expect(toCompositeSha256(parts)).toBe(`${createHash("sha256").update(bytes).digest("base64")}-2`);
  });
});

const MIB = 1_048_576;

describe("the length of parts", () => {
  it.each([
    [65 * MIB, 16],
    [16 * MIB * 10_000, 16],
    [16 * MIB * 10_000 + 1, 32],
    [5 * 1_024 ** 4, 1_024],
    [undefined, 32],
  ])("of %s bytes is %s MiB", (size, mib) => {
    expect(toUploadPartBytes(size)).toBe(mib * MIB);
  });

  it("keeps to S3's limits for all that S3 takes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 50 * 1_024 ** 4 }), (size) => {
        const bytes = toUploadPartBytes(size);

        expect(Math.ceil(size / bytes)).toBeLessThanOrEqual(MAX_PARTS);
        expect([bytes >= PART_BYTES.min, bytes <= PART_BYTES.max * 2]).toEqual([true, true]);
      }),
    );
  });
});
