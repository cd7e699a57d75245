import { expect, it } from "vitest";
import { shrinkList } from "./shrink-list.ts";

const items = Array.from({ length: 20 }, (_, index) => index);

it.each([
  [[], 1],
  [[7], 20],
  [[0, 19], 60],
  [[3, 4, 11], 60],
  [items, 60],
])("keeps just what is needed: %j", async (needed, most) => {
  let tries = 0;

  const left = await shrinkList(items, async (candidate) => {
    tries += 1;
    return needed.every((item) => candidate.includes(item));
  });

  expect(left).toEqual(needed);
  expect(tries).toBeLessThanOrEqual(most);
});

it("asks nothing about an empty list", async () => {
  expect(await shrinkList([], () => Promise.reject(new Error("asked")))).toEqual([]);
});
