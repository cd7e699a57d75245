import { expect, it } from "vitest";
import { CONTENDER_IDS, loadContender, loadContenders } from "./contenders.ts";

it("finds each contender under its own id, and has two classes of them", async () => {
  const all = await loadContenders();

  expect(await Promise.all(all.map(({ id }) => loadContender(id)))).toEqual(all);
  expect(all.map(({ id }) => id)).toEqual(CONTENDER_IDS);
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  expect(all.filter(({ batching }) => batching === "one by one").map(({ steps }) => steps.length)).toEqual([
    2, 2, 2, 6, 1,
  ]);
});

it("rejects an unknown contender", () => {
  expect(() => loadContender("kue")).toThrow('Unknown contender "kue".');
});
