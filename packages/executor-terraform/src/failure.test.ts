import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLogTail, toHead, toHeadAndTail, toTail } from "./failure.ts";

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

describe("toHeadAndTail", () => {
  it("keeps the beginning, which names the fault and its place, and the end [atlantis#55]", () => {
    const text = `error: It failed (main.tf:12)\n${"word ".repeat(5000)}the end`;
    const cut = toHeadAndTail(text, 1000);

    expect(cut).toMatch(/^error: It failed \(main\.tf:12\)[\s\S]*\n… \d+ bytes are left out …\n[\s\S]*the end$/);
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(1000);
    expect(toHeadAndTail("short", 1000)).toBe("short");
  });
});
