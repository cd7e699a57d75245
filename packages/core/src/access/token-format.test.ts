import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findSecretPrefix, formatSecret, SECRET_PATTERN, type SecretPrefix } from "./token-format.ts";

const prefixes = fc.constantFrom<SecretPrefix>("syt_", "sys_", "syw_");
const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe("formatSecret", () => {
  it("returns what scanners find and a check of the sum accepts", () => {
    fc.assert(
      fc.property(prefixes, bytes, (prefix, random) => {
        const secret = formatSecret(prefix, random);
        expect(secret).toMatch(new RegExp(`^${SECRET_PATTERN}$`));
        expect(findSecretPrefix(secret)).toBe(prefix);
      }),
    );
  });

  it("keeps all 256 bits, also of the largest number", () => {
    expect(formatSecret("syt_", new Uint8Array(32)).slice(0, 47)).toBe(`syt_${"0".repeat(43)}`);
    fc.assert(
      fc.property(bytes, bytes, (one, other) => {
        fc.pre(!one.every((byte, index) => byte === other[index]));
        expect(formatSecret("syt_", one)).not.toBe(formatSecret("syt_", other));
      }),
    );
    expect(formatSecret("syt_", new Uint8Array(32).fill(255))).toHaveLength(53);
  });

  it("takes 32 bytes only", () => {
    expect(() => formatSecret("syt_", new Uint8Array(16))).toThrow(RangeError);
  });
});

describe("findSecretPrefix", () => {
  const secret = formatSecret("syt_", new Uint8Array(32).fill(7));

  it("rejects a secret with one other character", () => {
    fc.assert(
      fc.property(fc.nat(secret.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        fc.pre(secret[at] !== character);
        expect(findSecretPrefix(`${secret.slice(0, at)}${character}${secret.slice(at + 1)}`)).toBeUndefined();
      }),
    );
  });

  it("rejects any other text", () => {
    fc.assert(fc.property(fc.string(), (text) => findSecretPrefix(text) === undefined));
    for (const text of ["", "syt_", `${secret}0`, ` ${secret}`, `${secret}\n`, secret.toUpperCase()]) {
      expect(findSecretPrefix(text)).toBeUndefined();
    }
  });
});
