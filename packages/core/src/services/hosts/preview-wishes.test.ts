import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../../engine/index.ts";
import { createFakeClock } from "../../testing/index.ts";
import { noteWish } from "./preview-wishes.ts";

describe("noteWish", () => {
  it("returns false for the request before something else, and may be repeated", async () => {
    const deps = { records: createMemoryStore().records, clock: createFakeClock() };

    expect(await noteWish(deps, "shop-pr-1", 2_000)).toBe(true);
    expect(await noteWish(deps, "shop-pr-1", 1_000)).toBe(false);
    expect(await noteWish(deps, "shop-pr-1", 2_000)).toBe(true);
    expect(await noteWish(deps, "shop-pr-2", 1_000)).toBe(true);
    expect(await noteWish(deps, "shop-pr-1", 3_000)).toBe(true);
  });
});
