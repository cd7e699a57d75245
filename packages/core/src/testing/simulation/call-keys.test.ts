import { describe, expect, it } from "vitest";
import { createKeys, findSubject, toAttemptKey } from "./call-keys.ts";

describe("the keys of calls", () => {
  it("count what concerns a process for each process, and what concerns a subject for all", () => {
    const keysOf = createKeys();
    const [first, second] = [keysOf(0), keysOf(1)];

    const keys = [first("find"), second("find"), first("find"), first("commit", "s1"), second("commit", "s1")];

    expect(keys).toEqual(["node 0 find 1", "node 1 find 1", "node 0 find 2", "s1 commit 1", "s1 commit 2"]);
  });

  it("name an attempt without the incarnation of its stack", () => {
    expect([toAttemptKey("s1/born/3/db/2"), toAttemptKey("other")]).toEqual(["s1/db/3.2", "other"]);
  });

  it.each([
    ["claim", { attemptId: "s1/born/1/db/1" }, "s1/db/1.1"],
    ["load", ["s1", "s2"], "s1"],
    ["commit", [{ stackId: "s2" }], "s2"],
    ["commit", [{}], undefined],
    ["load", [], undefined],
    ["acknowledge", ["event:1"], undefined],
    ["takeDue", { kinds: [] }, undefined],
    ["stats", undefined, undefined],
  ])("know what %s concerns", (name, argument, subject) => {
    expect(findSubject(name, [argument])).toBe(subject);
  });
});
