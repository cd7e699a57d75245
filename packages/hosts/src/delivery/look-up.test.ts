import { describe, expect, it } from "vitest";
import { aPull, toCommit } from "../testing/builders.ts";
import { chooseFacts } from "./look-up.ts";

const at = (updatedAt: number, over: Parameters<typeof aPull>[0] = {}) => aPull({ updatedAt, ...over });
const closed = { state: "closed" } as const;

describe("the facts that count", () => {
  it.each([
    ["the API knows more", at(1_000), at(2_000), "found", false],
    ["the API knows the same", at(1_000), at(1_000), "found", false],
    ["the API is behind", at(2_000), at(1_000, { head: toCommit(2) }), "delivered", true],
    ["a close of the same second", at(1_000, closed), at(1_000), "delivered", true],
    ["a close that only the API knows", at(1_000), at(1_000, closed), "found", true],
    ["another head of the same second", at(1_000), at(1_000, { head: toCommit(2) }), "found", true],
    ["a reopened one", at(1_000, closed), at(2_000), "found", false],
  ])("are decided: %s", (_, delivered, found, kind, isBehind) => {
    expect(chooseFacts(delivered, found, true)).toMatchObject({ kind, isBehind });
  });

  it("are those of the API without a delivery", () => {
    expect(chooseFacts(undefined, at(1), false)).toMatchObject({ kind: "found", isBehind: false });
  });

  it("are unknown for a while where the API knows no pull request, unless it was closed", () => {
    expect(chooseFacts(at(1), undefined, true)).toEqual({ kind: "unknown" });
    expect(chooseFacts(at(1), undefined, false)).toEqual({ kind: "gone" });
    expect(chooseFacts(undefined, undefined, true)).toEqual({ kind: "unknown" });
    expect(chooseFacts(at(1, closed), undefined, true)).toMatchObject({ kind: "delivered" });
  });
});
