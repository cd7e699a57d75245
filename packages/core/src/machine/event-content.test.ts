import { describe, expect, it } from "vitest";
import { isSameContent, markOf } from "./event-content.ts";

const line = { stackId: "shop-1", event: "PUSHED", metadata: { sha: "aaaa", size: 2 } };

describe("a message under an id that was used", () => {
  it("is the same event with the same name and metadata, in any order", () => {
    expect(isSameContent(line, { event: "PUSHED", metadata: { size: 2, sha: "aaaa" } })).toBe(true);
    expect(isSameContent({ stackId: "a", event: "GO" }, { event: "GO", metadata: {} })).toBe(true);
  });

  it.each([
    { event: "CLOSED", metadata: { sha: "aaaa", size: 2 } },
    { event: "PUSHED", metadata: { sha: "bbbb", size: 2 } },
    { event: "PUSHED", metadata: { sha: "aaaa", size: "2" } },
    { event: "PUSHED", metadata: { sha: "aaaa" } },
    { event: "PUSHED", metadata: { sha: "aaaa", size: 2, more: null } },
    { event: "PUSHED", metadata: { sha: "aaaa", size: 2 }, confirm: "shop-1" },
    { event: "PUSHED" },
  ])("is another event with other content: %j", (message) => {
    expect(isSameContent(line, message)).toBe(false);
  });

  it("is compared by the mark where the line hides a value, and by what is shown where there is none", () => {
    const hidden = { stackId: "shop-1", event: "PUSHED", metadata: { sha: "aaaa", password: "***" } };
    const marked = { ...hidden, mark: markOf({ name: "PUSHED", metadata: { sha: "aaaa", password: "one" } }) };
    const message = (password: string, sha = "aaaa") => ({ event: "PUSHED", metadata: { password, sha } });

    expect([isSameContent(marked, message("one")), isSameContent(marked, message("two"))]).toEqual([true, false]);
    expect([isSameContent(hidden, message("two")), isSameContent(hidden, message("two", "b"))]).toEqual([true, false]);
  });
});
