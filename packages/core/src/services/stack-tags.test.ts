import { describe, expect, it } from "vitest";
import { toStackTags, toTagValue } from "./stack-tags.ts";

describe("toStackTags", () => {
  it("names yard, stack and machine", () => {
    expect(toStackTags({ yard: "blue", stackId: "team/pr-12", machine: "preview" })).toEqual({
      "stackyard:yard": "blue",
      "stackyard:stack": "team/pr-12",
      "stackyard:machine": "preview",
    });
  });
});

describe("toTagValue", () => {
  it.each([
    ["pr#12 (new)", "pr-12 -new-"],
    ["größe/ü_.:=+-@", "größe/ü_.:=+-@"],
    ["a\nb\0c", "a-b-c"],
    ["x".repeat(300), "x".repeat(256)],
  ])("makes %j a value that AWS accepts", (text, value) => {
    expect(toTagValue(text)).toBe(value);
  });
});
