import { describe, expect, it } from "vitest";
import { EMPTY } from "./aggregate.ts";
import type { PlacedAggregate } from "./placed-aggregate.ts";
import { createRecentStacks } from "./recent-stacks.ts";

const live: PlacedAggregate = { ...EMPTY, version: 5, place: { kind: "live", version: 5 } };

describe("createRecentStacks", () => {
  it("gives a stack back once", () => {
    const recent = createRecentStacks();
    recent.keep("s1", live);

    expect(recent.take("s1")).toBe(live);
    expect(recent.take("s1")).toBeUndefined();
  });

  it("keeps nothing that the next write would not be conditional on", () => {
    const recent = createRecentStacks();
    recent.keep("absent", { ...EMPTY, place: { kind: "shadow", row: undefined } });
    recent.keep("fresh", { ...live, isFresh: true });

    expect([recent.take("absent"), recent.take("fresh")]).toEqual([undefined, undefined]);
  });

  it("forgets the oldest ones", () => {
    const recent = createRecentStacks();
    for (let index = 0; index <= 500; index += 1) recent.keep(`s${index}`, live);

    expect([recent.take("s0"), recent.take("s1")]).toEqual([undefined, live]);
  });
});
