import { describe, expect, it } from "vitest";
import { markLinesOfOne } from "./lines-of-one.ts";

describe("markLinesOfOne", () => {
  it("marks what only one of two logs says", () => {
    expect(markLinesOfOne(["init", "denied", "", "end"], ["init", "created", "end"])).toEqual([
      false,
      true,
      false,
      false,
    ]);
  });

  it("ignores times, ids, durations and colors", () => {
    const before = [
      "2026-11-26T10:00:00.123Z aws_vpc.a: created after 3s [id=vpc-0123456789abcdef0]",
      "\u001b[32mok\u001b[0m",
    ];
    const now = ["2026-11-27T08:30:59Z aws_vpc.a: created after 61s [id=vpc-0fedcba987654321]", "ok "];
    expect(markLinesOfOne(now, before)).toEqual([false, false]);
  });

  it("finds nothing in common with an empty log", () => {
    expect(markLinesOfOne(["a"], [])).toEqual([true]);
  });
});
