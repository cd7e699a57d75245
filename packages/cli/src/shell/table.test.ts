import { describe, expect, it } from "vitest";
import { toTable } from "./table.ts";

describe("toTable", () => {
  it("puts columns under one another, and counts no colours", () => {
    const rows = [
      ["ID", "STATE"],
      ["\u001b[1mlonger\u001b[22m", "UP"],
    ];

    expect(toTable(rows)).toBe("ID      STATE\n\u001b[1mlonger\u001b[22m  UP");
  });

  it("leaves no spaces at the end", () => {
    expect(
      toTable([
        ["a", ""],
        ["b", "long"],
      ]),
    ).toBe("a\nb  long");
  });
});
