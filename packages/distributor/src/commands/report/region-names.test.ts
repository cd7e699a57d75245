import { describe, expect, it } from "vitest";
import { toRegionNames } from "./region-names.ts";

describe("short names of regions", () => {
  it.each([
    ["eu-west-1", "euw1"],
    ["ap-southeast-2", "apse2"],
    ["us-gov-east-1", "usge1"],
    ["il-central-1", "ilc1"],
    ["moon", "moon"],
  ])("%s is %s", (region, name) => {
    expect(toRegionNames([region]).get(region)).toBe(name);
  });

  it("are the long ones where two would be the same", () => {
    expect([...toRegionNames(["eu-west-1", "eu-wonder-1"]).values()]).toEqual(["eu-west-1", "eu-wonder-1"]);
  });
});
