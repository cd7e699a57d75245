import { expect, it } from "vitest";
import { scopeOf } from "./step.ts";

it("says that a step touches the whole list from which it removes or in which it moves, else only its value", () => {
  const path = ["states", "LIVE", "on", "MERGED", 1];

  expect(scopeOf({ kind: "remove", path })).toEqual(["states", "LIVE", "on", "MERGED"]);
  expect(scopeOf({ kind: "move", path, to: 0 })).toEqual(["states", "LIVE", "on", "MERGED"]);
  expect(scopeOf({ kind: "set", path, value: 1 })).toEqual(path);
});
