import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLogTail, toHead, toTail } from "./failure.ts";

describe("createLogTail", () => {
  it("keeps the newest lines", () => {
    const tail = createLogTail(11);
    for (const line of ["one", "two", "three", "four"]) tail.add(line);

    expect(tail.text(100)).toBe("three\nfour");
    expect(tail.text(4)).toBe("four");
  });

  it("never returns more bytes than the limit, and cuts between characters", () => {
    const text = fc.string({ unit: "grapheme" }).filter((given) => !given.includes("\uFFFD"));

    fc.assert(
      fc.property(text, fc.nat(40), (given, bytes) => {
        for (const cut of [toTail(given, bytes), toHead(given, bytes)]) {
          expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(bytes);
          expect(given).toContain(cut);
        }
      }),
    );
  });
});
