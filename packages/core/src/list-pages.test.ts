import { expect, it } from "vitest";
import { listPages, type PageStart } from "./list-pages.ts";

it("yields pages until one has no cursor", async () => {
  const starts: PageStart[] = [];
  const cursors = ["a", "b", undefined];
  const load = async (start: PageStart) => ({ number: starts.push(start), cursor: cursors[starts.length - 1] });

  const numbers: number[] = [];
  for await (const page of listPages(load)) numbers.push(page.number);

  expect(numbers).toEqual([1, 2, 3]);
  expect(starts).toEqual([{}, { cursor: "a" }, { cursor: "b" }]);
});
