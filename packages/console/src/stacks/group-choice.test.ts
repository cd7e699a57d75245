import { describe, expect, it } from "vitest";
import { aStack } from "../testing/stacks.ts";
import { groupByValue, listGroupKeys, parseGroup } from "./group-choice.ts";

describe("parseGroup", () => {
  it("reads facts and keys of metadata, and nothing else", () => {
    expect(["machine", "metadata.team", "metadata.", "color", undefined].map(parseGroup)).toEqual([
      { kind: "machine" },
      { kind: "metadata", key: "team" },
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("listGroupKeys", () => {
  it("takes the most frequent keys, without those that differ between all stacks", () => {
    const stacks = [{ metadata: { team: "a", sha: "1", url: "u" } }, { metadata: { team: "b", owner: "ada" } }];

    expect(listGroupKeys(stacks)).toEqual(["team", "owner"]);
  });
});

describe("groupByValue", () => {
  it("keeps values of different types apart, and what has no value", () => {
    const stacks = [
      aStack("a", { metadata: { tier: 1 } }),
      aStack("b", { metadata: { tier: "1" } }),
      aStack("c", { metadata: { tier: "1" } }),
      aStack("d"),
    ];

    const { values, without } = groupByValue("tier", stacks);

    expect(values).toEqual([
      { value: "1", count: 2 },
      { value: 1, count: 1 },
    ]);
    expect(without.map(({ id }) => id)).toEqual(["d"]);
  });
});
