import { describe, expect, it } from "vitest";
import { parseLabels } from "./publish.ts";

describe("labels", () => {
  it("are key=value, the value as it stands", () => {
    expect(parseLabels(["commit=4f1c9d2", "query=a=b", "empty="])).toEqual({
      commit: "4f1c9d2",
      query: "a=b",
      empty: "",
    });
  });

  it("may be called as what every object has", () => {
    expect(Object.entries(parseLabels(["constructor=x"]))).toEqual([["constructor", "x"]]);
  });

  it("say what is wrong with a key", () => {
    expect(() => parseLabels(["ü=1"])).toThrow(
      'The key of --label "ü=1" must be letters, digits, dots, -, _ and /, at most 64, the first a letter or digit.',
    );
  });

  it.each([
    ["commit"],
    ["=x"],
    ["a b=c"],
    [`a=${"x".repeat(257)}`],
    ["a=1", "a=2"],
    ["a=1\n2"],
    ["a=\u001b[31m"],
    ["a\n=1"],
  ])("are not %j", (...words) => {
    expect(() => parseLabels(words)).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});
