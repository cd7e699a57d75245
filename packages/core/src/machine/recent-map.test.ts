import { describe, expect, it } from "vitest";
import { RecentMap } from "./recent-map.ts";

function createBench(most: number) {
  const values = new RecentMap<string, string>(most);
  let made = 0;
  const make = () => {
    made += 1;
    return `value ${made}`;
  };
  return { values, find: (key: string) => values.findOr(key, make) };
}

describe("values by key", () => {
  it("are made once", () => {
    const { find } = createBench(2);

    expect([find("a"), find("a"), find("b")]).toEqual(["value 1", "value 1", "value 2"]);
  });

  it("are limited: the least recently used one is evicted", () => {
    const { values, find } = createBench(2);

    for (const key of ["a", "b", "a", "c"]) find(key);

    expect([...values.keys()]).toEqual(["a", "c"]);
  });
});
