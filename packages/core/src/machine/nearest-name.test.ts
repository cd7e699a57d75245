import { describe, expect, it } from "vitest";
import { findNearestName } from "./nearest-name.ts";

describe("findNearestName", () => {
  it.each([
    ["BULID", ["INIT", "BUILD"], "BUILD"],
    ["build", ["BUILT", "BUILD"], "BUILD"],
    ["BUIL", ["BUILT", "BUILD"], "BUILT"],
    ["DEPLOYS", ["DEPLOY", "DESTROY"], "DEPLOY"],
    ["ON", ["OFF", "NO"], "NO"],
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
});
