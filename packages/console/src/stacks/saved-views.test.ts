import { describe, expect, it } from "vitest";
import { isSameView, parseViews, toViewSearch } from "./saved-views.ts";

describe("toViewSearch", () => {
  it("keeps what is listed and how, and nothing of a dialog or of a name", () => {
    const search = {
      is: "failed",
      text: "pr",
      sort: "-id",
      show: "age",
      group: "machine",
      view: "tiles",
      bulk: "list",
      saved: "Mine",
    };

    expect(toViewSearch(search)).toEqual({
      is: "failed",
      text: "pr",
      sort: "-id",
      show: "age",
      group: "machine",
      view: "tiles",
    });
  });
});

describe("isSameView", () => {
  it("compares what is shown, whatever the view is called", () => {
    expect(isSameView({ is: "failed", saved: "a" }, { is: "failed", text: "" })).toBe(true);
    expect(isSameView({ is: "failed" }, { is: "failed", group: "machine" })).toBe(false);
  });
});

describe("parseViews", () => {
  it("reads 20 at most", () => {
    const kept = Array.from({ length: 30 }, (_, n) => ({ name: `View ${n}`, search: {} }));

    expect(parseViews(JSON.stringify(kept))).toHaveLength(20);
  });

  it("leaves out what is not a view", () => {
    const kept = [
      { name: "Mine", search: { is: "failed", bulk: "list", n: 1 } },
      { name: "" },
      null,
      7,
      { name: "x", search: 1 },
    ];

    expect(parseViews(JSON.stringify(kept))).toEqual([{ name: "Mine", search: { is: "failed" } }]);
    expect(parseViews("{")).toEqual([]);
    expect(parseViews("{}")).toEqual([]);
  });
});
