import { describe, expect, it } from "vitest";
import { findCrumbs, findScreen, PLACES } from "./screens.ts";

describe("findScreen", () => {
  it.each([
    ["/", "/"],
    ["/inbox", "/"],
    ["/stack", "/stacks"],
    ["/fleet", "/stacks"],
    ["/states", "/machines"],
    ["/state", "/machines"],
    ["/edit", "/machines"],
    ["/access", "/access"],
  ])("marks for %s the screen %s", (path, screen) => {
    expect(findScreen(path)).toBe(screen);
  });

  it("keeps every list that had an entry of its own", () => {
    const paths = PLACES.map(([path]) => path).sort();

    expect(paths).toEqual(
      "/ /access /approvals /artifacts /audit /custom-resources /freezes /inbox /jobs /machines /releases /stacks /states /yard".split(
        " ",
      ),
    );
  });
});

describe("findCrumbs", () => {
  it("leads from the screen over the list to the thing", () => {
    expect(findCrumbs("/fleet", { id: "run-1" })).toEqual([
      { title: "Stacks", path: "/stacks" },
      { title: "Jobs", path: "/jobs" },
      { title: "run-1" },
    ]);
    expect(findCrumbs("/stacks", {})).toEqual([{ title: "Stacks" }]);
    expect(findCrumbs("/bundle", {})).toEqual([{ title: "Stacks", path: "/stacks" }, { title: "Bundle" }]);
    // The way to a page that is not there ends at it, too.
    expect(findCrumbs("/nowhere", {})).toEqual([{ title: "Page not found" }]);
  });

  it("leads to a log over its stack, in words", () => {
    expect(findScreen("/log")).toBe("/stacks");
    expect(findCrumbs("/log", { attempt: "pr%2F12/id-1/4/migrate/3" })).toEqual([
      { title: "Stacks", path: "/stacks" },
      { title: "pr/12", path: "/stack", search: { id: "pr/12" } },
      { title: "Log of migrate, attempt 3" },
    ]);
    expect(findCrumbs("/log", {}).at(-1)).toEqual({ title: "Log" });
  });
});
