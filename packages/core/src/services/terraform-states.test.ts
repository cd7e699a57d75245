import { hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toReadableStateKey } from "../ports/state-prefix.ts";
import { toStateName } from "./terraform-states.ts";

describe("toStateName", () => {
  it("begins with the readable key, and ends with its digest", () => {
    const key = "app/pr-12/network";

    expect(toStateName(key)).toBe(`app%2Fpr-12%2Fnetwork~${hash("sha256", key).slice(0, 32)}`);
  });

  it("is bounded and unique, and begins with the readable part of each prefix of the key", () => {
    const text = fc.string({ maxLength: 400, unit: "grapheme-ascii" });
    fc.assert(
      fc.property(text, text, (prefix, rest) => {
        const name = toStateName(prefix + rest);

        expect(name.length).toBeLessThanOrEqual(333);
        expect(name.startsWith(toReadableStateKey(prefix))).toBe(true);
        expect(name === toStateName(`${prefix}${rest}x`)).toBe(false);
      }),
    );
  });
});
