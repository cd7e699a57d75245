import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toSessionName } from "./assume-role.ts";

describe("toSessionName", () => {
  it("keeps the characters that AWS accepts and replaces the rest", () => {
    expect(toSessionName("stackyard@host-1")).toBe("stackyard@host-1");
    expect(toSessionName("yard/ü #7")).toBe("yard-7");
    expect(toSessionName("")).toBe("stackyard-");
  });

  it("is always taken by AssumeRole", () => {
    fc.assert(
      fc.property(fc.string(), (text) => /^[\w+=,.@-]{2,64}$/.test(toSessionName(text))),
      { numRuns: 50 },
    );
  });
});
