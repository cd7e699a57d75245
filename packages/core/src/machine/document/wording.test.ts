import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findNearestName } from "./wording.ts";

describe("findNearestName", () => {
  it.each([
    ["BULID", ["INIT", "BUILD"], "BUILD"],
    ["build", ["BUILT", "BUILD"], "BUILD"],
    ["BUIL", ["BUILT", "BUILD"], "BUILT"],
    ["DEPLOYS", ["DEPLOY", "DESTROY"], "DEPLOY"],
    ["ON", ["OFF", "NO"], "NO"],
    ["dataDirr", ["dataDir", "machines"], "dataDir"],
    ["MACHINES", ["machines"], "machines"],
    ["idel", ["INIT", "IDLE"], "IDLE"],
    ["", ["a"], "a"],
  ])("finds for %s in %j the name %s", (name, known, expected) => {
    const nearest = findNearestName(name, known);

    expect(nearest).toBe(expected);
  });

  it.each([
    ["CLEAN-UP", ["INIT", "BUILD"]],
    ["A", ["BC"]],
    ["", ["A-LONG-NAME"]],
    ["UP", []],
  ])("finds for %s nothing in %j", (name, known) => {
    const nearest = findNearestName(name, known);

    expect(nearest).toBeUndefined();
  });

  it("compares long names by their case only", () => {
    const long = "X".repeat(65);

    const nearest = [findNearestName(long, [`${long}Y`]), findNearestName(long, [long.toLowerCase()])];

    expect(nearest).toEqual([undefined, long.toLowerCase()]);
  });

  it("finds a name of which one character was changed, dropped, doubled or swapped", () => {
    const slip = fc.record({
      name: fc.stringMatching(/^[A-Z]{4,20}$/),
      at: fc.nat(),
      kind: fc.constantFrom("change", "drop", "double", "swap"),
    });

    fc.assert(
      fc.property(slip, ({ name, at, kind }) => {
        const index = at % (name.length - 1);
        const [a, b] = [name[index] ?? "", name[index + 1] ?? ""];
        const piece = { change: `-${b}`, drop: b, double: `${a}${a}${b}`, swap: `${b}${a}` }[kind];
        const slipped = name.slice(0, index) + piece + name.slice(index + 2);

        expect(findNearestName(slipped, ["0123456789", name])).toBe(name);
      }),
    );
  });

  it("finds nothing that is further than a third of the name", () => {
    const pair = fc.record({ name: fc.stringMatching(/^[A-M]{6,20}$/), other: fc.stringMatching(/^[N-Z]{6,20}$/) });

    fc.assert(fc.property(pair, ({ name, other }) => findNearestName(name, [other]) === undefined));
  });
});
