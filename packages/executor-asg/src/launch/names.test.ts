import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PRESETS } from "../release-constants.ts";
import { toAlarmName, toPolicyName } from "./policy-name.ts";
import { toTemplateName } from "./template-name.ts";

const ID = "org/shop-production-2026-01-01T00-00-00Z-web";

describe("toTemplateName", () => {
  it("is the group's name", () => {
    expect(toTemplateName(ID)).toBe(ID);
  });

  it("is cut where the group's is too long for EC2, and still another for another group", () => {
    const [one, two] = ["web", "api"].map((service) => toTemplateName(`${"x".repeat(200)}-${service}`));

    expect(one).toHaveLength(128);
    expect(one).not.toBe(two);
  });

  it("is a name that EC2 takes, whatever the group is called", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (name) => {
        expect(toTemplateName(name)).toMatch(/^[a-zA-Z0-9().\-/_]{3,128}$/);
      }),
    );
  });
});

describe("toPolicyName and toAlarmName", () => {
  it("are one, of the group's name, the type and the policy's own name", () => {
    expect(toPolicyName(ID, { type: "cpu_scale_up" }, PRESETS.odin)).toBe(`${ID}-cpu_scale_up`);
    expect(toPolicyName(ID, { type: "cpu_scale_up", name: "fast" }, PRESETS.odin)).toBe(`${ID}-cpu_scale_up-fast`);
    expect(toAlarmName(ID, { type: "cpu_scale_up", name: "fast" })).toBe(`${ID}-cpu_scale_up-fast`);
  });

  it("differ in the first generation, whose policies were called by their type", () => {
    const policy = { type: "cpu_scale_down" } as const;

    expect(toPolicyName(ID, policy, PRESETS["step-asg-deployer"])).toBe("cpu_scale_down");
    expect(toAlarmName(ID, policy)).toBe(`${ID}-cpu_scale_down`);
  });
});
