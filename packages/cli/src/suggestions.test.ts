import { expect, it } from "vitest";
import { findNearestName } from "./suggestions.ts";

it.each([
  ["dataDirr", ["dataDir", "machines"], "dataDir"],
  ["MACHINES", ["machines"], "machines"],
  ["idel", ["INIT", "IDLE"], "IDLE"],
  ["xyz", ["machines"], undefined],
  ["", ["a"], "a"],
])("finds what %s was meant to be", (name, known, expected) => {
  expect(findNearestName(name, known)).toBe(expected);
});
