import { describe, expect, it } from "vitest";
import { choosePart } from "./list-part.ts";

const ids = Array.from({ length: 120 }, (_, n) => `pr-${n}`);

describe("choosePart", () => {
  it.each(["pr-50", "pr-51", "pr-99"])("returns the fifty stacks among which %s is", (stackId) => {
    expect(choosePart(ids, stackId)).toEqual(ids.slice(50, 100));
  });

  it("returns the rest at the end of the list", () => {
    expect(choosePart(ids, "pr-119")).toEqual(ids.slice(100));
  });

  it("returns fewer stacks where their ids are long, but the one that is shown in any case", () => {
    const long = ["a", "b", "c"].map((letter) => letter + "ü".repeat(250));
    const longer = `d${"ü".repeat(1_000)}`;

    expect(choosePart([...long, longer], long[1] ?? "")).toEqual(long.slice(0, 2));
    expect(choosePart([...long, longer], longer)).toEqual([longer]);
  });
});
