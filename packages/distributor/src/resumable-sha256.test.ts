import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createResumableSha256 } from "./resumable-sha256.ts";

function toSha256(...pieces: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const each of pieces) hash.update(each);
  return hash.digest("hex");
}

describe("createResumableSha256", () => {
  it.each([0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1_000_000])("digests %i bytes as Node does", (length) => {
    const bytes = new Uint8Array(length).map((_, index) => index * 7);
    const hash = createResumableSha256();

    hash.update(bytes);

    expect(hash.digest()).toBe(toSha256(bytes));
  });

  it("digests whatever comes in whatever pieces, and goes on from wherever it was kept", () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 });
    fc.assert(
      fc.property(pieces, (each) => {
        let hash = createResumableSha256();

        for (const bytes of each) {
          hash.update(bytes);
          const saved = hash.save();
          if (saved !== undefined) hash = createResumableSha256(saved);
        }

        expect(hash.digest()).toBe(toSha256(...each));
      }),
    );
  });

  it("is kept between blocks only, also behind 2^32 bytes", () => {
    const hash = createResumableSha256();
    hash.update(new Uint8Array(64));
    const saved = hash.save();
    hash.update(new Uint8Array(1));

    expect(saved).toMatch(/^64( -?\d+){8}$/);
    expect(hash.save()).toBeUndefined();
    const far = createResumableSha256(`${2 ** 40} ${saved?.split(" ").slice(1).join(" ")}`);
    far.update(new Uint8Array(64));
    expect(far.save()).toMatch(new RegExp(`^${2 ** 40 + 64} `));
  });
});
