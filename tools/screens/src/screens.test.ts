import { consolePaths } from "@stackyard/console";
import { expect, it } from "vitest";
import { SCREENS } from "./screens.ts";

it("has every page of the console, and each name once", () => {
  const pages = new Set(SCREENS.map(({ path }) => new URL(path, "http://localhost").pathname));
  const names = SCREENS.map(({ name }) => name);

  expect(consolePaths.filter((path) => !pages.has(path))).toEqual([]);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});
