import { expect, it } from "vitest";
import { findOutdated, findShown } from "./docs-pictures.ts";

// `npm run test:all` compares the stored pictures with the console.
it("the pictures of the pages are those of the screens: npm run docs:images makes them anew", () => {
  expect(findShown().size).toBeGreaterThan(3);
  expect(findOutdated()).toEqual([]);
});
