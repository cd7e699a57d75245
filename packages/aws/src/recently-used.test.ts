import { describe, expect, it } from "vitest";
import { findRecentlyUsed } from "./recently-used.ts";

function createBench(max: number) {
  const values = new Map<string, string>();
  let made = 0;
  const make = () => {
    made += 1;
    return `value ${made}`;
  };
  return { values, find: (key: string) => findRecentlyUsed(values, key, { max, make }) };
}

describe("values by key", () => {
  it("are made once", () => {
    const { find } = createBench(2);

    expect([find("a"), find("a"), find("b")]).toEqual(["value 1", "value 1", "value 2"]);
  });

  it("are no more than so many: what was not asked for for longest goes", () => {
    const { values, find } = createBench(2);

    for (const key of ["a", "b", "a", "c"]) find(key);

    expect([...values.keys()]).toEqual(["a", "c"]);
  });
});
