import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PLACE } from "../testing/a-cell.ts";
import { decideCovered } from "./decide-covered.ts";
import { expectedSet, findCurrent, toSubscription } from "./expected-set.ts";

function aVersion(name: string, sequence: number, labels: Record<string, string> = {}, retired = false) {
  return { name, version: `1.${sequence}`, sequence, labels, retired };
}

const EVERYTHING = toSubscription([]);

describe("expectedSet", () => {
  it("has the version of each name that was published last", () => {
    const versions = [aVersion("a", 1), aVersion("a", 3), aVersion("a", 2), aVersion("b", 4)];

    expect(expectedSet(versions, EVERYTHING).map(({ sequence }) => sequence)).toEqual([3, 4]);
  });

  it("has one of each channel, and none that is retired", () => {
    const versions = [
      aVersion("a", 1, { channel: "stable" }),
      aVersion("a", 2, { channel: "beta" }),
      aVersion("a", 3, { channel: "beta" }, true),
    ];

    expect(expectedSet(versions, EVERYTHING).map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect(expectedSet(versions, toSubscription(["v2", "channel:beta"])).map(({ sequence }) => sequence)).toEqual([2]);
  });

  it("has what carries all labels of a subscription", () => {
    const versions = [aVersion("a", 1, { team: "billing" }), aVersion("b", 2, { team: "shop" }), aVersion("c", 3)];

    expect(expectedSet(versions, toSubscription(["label:team=billing"])).map(({ name }) => name)).toEqual(["a"]);
  });

  it("has at most one version of a name and channel, the highest, in any order of publication", () => {
    const version = fc.record({ name: fc.constantFrom("a", "b"), sequence: fc.nat(50), retired: fc.boolean() });
    fc.assert(
      fc.property(fc.uniqueArray(version, { selector: ({ sequence }) => sequence }), (drawn) => {
        const versions = drawn.map(({ name, sequence, retired }) => aVersion(name, sequence, {}, retired));
        const current = findCurrent(versions);

        expect(new Set(current.map(({ name }) => name)).size).toBe(current.length);
        for (const each of versions.filter(({ retired }) => !retired)) {
          const best = current.find(({ name }) => name === each.name);
          expect(best?.sequence).toBeGreaterThanOrEqual(each.sequence);
        }
      }),
    );
  });
});

describe("toSubscription", () => {
  it("reads channels and labels, and leaves other capabilities alone", () => {
    expect(toSubscription(["v2", "retire", "channel:beta", "label:a=b=c", "label:=x", "label:y"])).toEqual({
      channels: ["beta"],
      labels: { a: "b=c" },
    });
  });
});

describe("decideCovered", () => {
  const other = { account: "444455556666", region: "us-east-1" };
  const full = { ...PLACE, files: "SsPp" };

  it("is covered when everybody who should has every file", () => {
    expect(decideCovered({ cells: [full], expected: [PLACE] })).toEqual({ kind: "covered", consumers: 1 });
  });

  it("names who lacks something, with a cell or without", () => {
    const cells = [{ ...full, files: "Ss-p" }];

    expect(decideCovered({ cells, expected: [PLACE, other] })).toEqual({ kind: "open", missing: [PLACE, other] });
  });

  it("is not covered where nobody should have it, and needs nothing of who left", () => {
    expect(decideCovered({ cells: [full], expected: [] }).kind).toBe("open");
    expect(decideCovered({ cells: [full, { ...other, files: "-" }], expected: [PLACE] }).kind).toBe("covered");
  });
});
