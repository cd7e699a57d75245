import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planLanes } from "./plan-lanes.ts";

const SMALL = 1_000;
const LARGE = 100 * 1_024 ** 2;

function plan(...sizes: readonly (readonly [key: string, size?: number | undefined])[]) {
  const records = sizes.map(([ArtifactKey, size], index) => {
    const body = size === undefined ? { ArtifactKey } : { v: 2, ArtifactKey, artifact: { size } };
    return { messageId: `${ArtifactKey}${index}`, body: JSON.stringify(body) };
  });
  return planLanes(records, "topic").map((lane) => lane.map(({ messageId }) => messageId));
}

describe("planLanes", () => {
  it("serves small files three at a time", () => {
    expect(plan(["a", SMALL], ["b", SMALL], ["c", SMALL], ["d", SMALL])).toEqual([["a0", "d3"], ["b1"], ["c2"]]);
  });

  it("serves large files and those of unknown size one at a time, beside small ones", () => {
    expect(plan(["a", LARGE], ["b"], ["c", SMALL])).toEqual([["a0", "b1"], ["c2"]]);
  });

  it("serves those of one key in their order", () => {
    expect(plan(["a", SMALL], ["b", SMALL], ["a", LARGE])).toEqual([["a0", "a2"], ["b1"]]);
  });

  it("has nothing for nothing, and a place for what nobody can read", () => {
    expect(planLanes([], "topic")).toEqual([]);
    expect(planLanes([{ messageId: "m", body: "{" }], "topic")).toEqual([[{ messageId: "m", body: "{" }]]);
  });

  it("loses no record and doubles none", () => {
    const one = fc.tuple(fc.constantFrom("a", "b", "c"), fc.option(fc.nat(2 * LARGE), { nil: undefined }));
    fc.assert(
      fc.property(fc.array(one, { maxLength: 10 }), (sizes) => {
        const ids = sizes.map(([key], index) => `${key}${index}`);

        expect(
          plan(...sizes)
            .flat()
            .sort(),
        ).toEqual(ids.sort());
      }),
    );
  });
});
