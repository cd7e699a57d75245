import { describe, expect, it } from "vitest";
import { PRESETS } from "../release-constants.ts";
import { aRelease, aService, aState } from "../testing/a-release.ts";
import { toGroupName } from "./to-group-name.ts";

describe("toGroupName", () => {
  it("is of the document alone", () => {
    const name = toGroupName(aRelease(), aService(), { state: aState(), constants: PRESETS.odin });

    expect(name).toBe("org/shop-production-2026-01-01T00-00-00Z-web");
  });

  it("is drawn in the first generation, and the same for one execution", () => {
    const draw = (uuid: string) =>
      toGroupName(aRelease(), aService(), { state: aState({ uuid }), constants: PRESETS["step-asg-deployer"] });

    expect(draw("one")).toMatch(/^org\/shop-production-web-2026-01-01T00-00-10Z-[a-z]{7}$/);
    expect(draw("one")).toBe(draw("one"));
    expect(draw("one")).not.toBe(draw("two"));
  });
});
