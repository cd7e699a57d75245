import { expect, it } from "vitest";
import { isSqliteWarning } from "./filter-warnings.ts";

it.each([
  ["SQLite is an experimental feature and might change at any time", ["ExperimentalWarning"], true],
  ["Type Stripping is an experimental feature", ["ExperimentalWarning"], false],
  ["SQLite is an experimental feature", ["DeprecationWarning"], false],
  ["SQLite is an experimental feature", [], false],
])("leaves out exactly the one of node:sqlite: %s %j", (text, rest, expected) => {
  expect(isSqliteWarning(text, rest)).toBe(expected);
});
