import { describe, expect, it } from "vitest";
import { type Chaos, createPlannedChance, createRecordedChance, type FaultPlace, pick } from "./chance.ts";

const plan = { seed: 7, nodes: [{ skewMs: 0, concurrency: 1 }] };
const calm: Chaos = { crash: 0, fail: 0, delay: 0, yield: 0, hurry: 0, lose: 0, repeat: 0, work: 0 };
const keys = Array.from({ length: 300 }, (_, index) => `s1 commit ${index}`);

function pickKinds(place: FaultPlace, chaos: Partial<Chaos>): readonly string[] {
  const chance = createRecordedChance(plan, { ...calm, ...chaos }, () => false);
  return [...new Set(keys.map((key) => chance.findFault(key, place)?.kind ?? "none"))].sort();
}

describe("a recorded chance", () => {
  it("returns the same for a call, in whatever order it is made", () => {
    const chaos = { ...calm, crash: 0.2, delay: 0.2 };
    const [first, second] = [1, 2].map(() => createRecordedChance(plan, chaos, () => false));

    const asked = keys.map((key) => first?.findFault(key, "call"));
    const askedBackwards = [...keys].reverse().map((key) => second?.findFault(key, "call"));

    expect(askedBackwards.reverse()).toEqual(asked);
  });

  it("says something else for another seed", () => {
    const chaos = { ...calm, crash: 0.5 };
    const [first, second] = [1, 2].map((seed) => createRecordedChance({ ...plan, seed }, chaos, () => false));

    expect(keys.map((key) => first?.findFault(key, "call"))).not.toEqual(
      keys.map((key) => second?.findFault(key, "call")),
    );
  });

  it.each([
    ["call", { crash: 0.2, fail: 0.2, delay: 0.2, yield: 0.2 }, ["crash", "delay", "fail", "none", "yield"]],
    ["point", { crash: 0.2, fail: 0.2, delay: 0.2, yield: 0.2 }, ["crash", "delay", "none", "yield"]],
    ["idle", { hurry: 0.3, delay: 0.3, crash: 0.3 }, ["delay", "hurry", "none"]],
    ["delivery", { lose: 0.2, repeat: 0.2, crash: 0.2, fail: 0.2 }, ["crash", "lose", "none", "repeat"]],
  ] as const)("does to a %s what may happen to one", (place, chaos, kinds) => {
    expect(pickKinds(place, chaos)).toEqual(kinds);
  });

  it("lets everything go well once it is calm", () => {
    let isCalm = false;
    const chaos = { ...calm, crash: 1, work: 1 };
    const chance = createRecordedChance(plan, chaos, () => isCalm);

    const before = [chance.findFault("a", "call")?.kind, chance.findWork("w") !== undefined];
    isCalm = true;

    expect([before, chance.findFault("a", "call"), chance.findWork("w")]).toEqual([
      ["crash", true],
      undefined,
      undefined,
    ]);
  });

  it("writes down what a planned chance repeats", () => {
    const recorded = createRecordedChance(plan, { ...calm, crash: 0.1, yield: 0.3, work: 0.5 }, () => false);
    const said = keys.map((key) => [recorded.findFault(key, "call"), recorded.findWork(key)]);

    const planned = createPlannedChance(recorded);

    expect(keys.map((key) => [planned.findFault(key, "call"), planned.findWork(key)])).toEqual(said);
  });
});

describe("pick", () => {
  it("picks any of the values, and nothing from an empty list", () => {
    expect([pick(() => 0, [1, 2, 3]), pick(() => 0.999, [1, 2, 3])]).toEqual([1, 3]);
    expect(() => pick(() => 0, [])).toThrow("There is nothing to pick from.");
  });
});
