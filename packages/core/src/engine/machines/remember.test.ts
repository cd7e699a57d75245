import { describe, expect, it } from "vitest";
import { remember } from "./remember.ts";

describe("what is remembered", () => {
  it("is bounded: the oldest goes", () => {
    const cache = new Map<string, number>();

    for (let number = 0; number < 1_500; number += 1) remember(cache, `k${number}`, number);
    remember(cache, "k700", -1);

    expect([cache.size, cache.has("k499"), cache.has("k500"), cache.get("k700")]).toEqual([1_000, false, true, -1]);
  });
});
