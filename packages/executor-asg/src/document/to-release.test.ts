import { describe, expect, it } from "vitest";
import { PRESETS } from "../presets.ts";
import { releaseFixture } from "../testing/builders.ts";
import { parseRelease } from "./parse-release.ts";
import { toPollSeconds } from "./to-release.ts";

describe("toRelease", () => {
  it.each([
    ["odin/one-service", "odin"],
    ["odin/every-old-key", "odin"],
    ["odin/every-new-key", "stackyard"],
    ["step-asg-deployer/one-service", "step-asg-deployer"],
  ] as const)("makes of %s what it has always made", async (name, preset) => {
    const options = { constants: PRESETS[preset], account: "333333333333", region: "eu-west-1" };

    const parsed = parseRelease(releaseFixture(name), options);

    await expect(`${JSON.stringify(parsed, null, 2)}\n`).toMatchFileSnapshot(`../../fixtures/${name}.parsed.json`);
  });
});

describe("toPollSeconds", () => {
  it("is always the same in the first generation", () => {
    expect([1, 1800, 172_800].map((timeout) => toPollSeconds(timeout, "step-asg-deployer"))).toEqual([15, 15, 15]);
  });
});
