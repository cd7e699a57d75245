import { describe, expect, it } from "vitest";
import { parseMetadata } from "./parse-words.ts";

describe("parseMetadata", () => {
  it("takes text after =, JSON after :=, and objects; later ones win", () => {
    const words = [
      "sha=0123456",
      "url=a=b",
      "empty=",
      "seen:=5",
      "done:=true",
      "gone:=null",
      'quoted:="5"',
      '{"sha":"x","n":1}',
    ];

    expect(parseMetadata(words)).toEqual({
      sha: "x",
      url: "a=b",
      empty: "",
      seen: 5,
      done: true,
      gone: null,
      quoted: "5",
      n: 1,
    });
  });

  it.each([
    ["sha"],
    ["=x"],
    ["n:=x"],
    ["{"],
    ['{"a":{}}'],
    ["list:=[1]"],
    ["n:=9007199254740993"],
    ['{"n":9007199254740993}'],
  ])("rejects %s as wrong words", (word) => {
    expect(() => parseMetadata([word])).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});
