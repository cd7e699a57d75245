import { expect, it } from "vitest";
import { createCache } from "./cache.ts";

it("forgets only the oldest value of too many: a yard with 1,001 repositories does not ask for all of them again", async () => {
  const asked: string[] = [];
  const find = createCache(60_000, () => 0);
  const ask = (key: string) =>
    find(key, async () => {
      asked.push(key);
      return key;
    });
  for (let number = 0; number <= 1_000; number += 1) await ask(`repository ${number}`);
  asked.length = 0;

  for (const number of [1_000, 500, 1, 0]) await ask(`repository ${number}`);

  expect(asked).toEqual(["repository 0"]);
});
