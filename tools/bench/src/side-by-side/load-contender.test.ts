import { expect, it } from "vitest";
import { loadContender, loadContenders } from "./load-contender.ts";

it("finds each contender under its own id, and has two classes of them", async () => {
  const all = await loadContenders();

  expect(await Promise.all(all.map(({ id }) => loadContender(id)))).toEqual(all);
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  expect(all.filter(({ batching }) => batching === "one by one").map(({ steps }) => steps.length)).toEqual([
    2, 2, 2, 6, 1,
  ]);
});

it("says which contender it does not know", () => {
  expect(() => loadContender("kue")).toThrow('There is no contender "kue".');
});
