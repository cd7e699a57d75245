import { expect, it } from "vitest";
import { parseStat } from "./postgres-cpu.ts";

it("finds parent and times behind a name with spaces and brackets", () => {
  const line = "77 (postgres: a) b (c) S 12 77 77 0 -1 4194624 100 0 1 0 230 45 6 7 20 0 1 0 99 1 2";

  expect(parseStat(line)).toEqual({ parentPid: 12, ownTicks: 275, childrenTicks: 13 });
});
