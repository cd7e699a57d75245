import { describe, expect, it } from "vitest";
import { aDocument } from "../testing/a-document.ts";
import { parseRelease } from "./parse-release.ts";
import { GATED_STRATEGIES, POLLED_STRATEGIES } from "./schema/autoscaling-schema.ts";

const WEB = "/services/web";

function codesOf(changes: Readonly<Record<string, unknown>>): readonly string[] {
  const parsed = parseRelease(aDocument(changes));
  return parsed.kind === "parsed" ? parsed.warnings.map(({ code }) => code) : ["refused"];
}

describe("findWarnings", () => {
  it.each(POLLED_STRATEGIES.filter((strategy) => strategy !== "AllAtOnce"))("warns of %s", (strategy) => {
    expect(codesOf({ [`${WEB}/autoscaling/strategy`]: strategy })).toEqual(["release-strategy-ungated"]);
  });

  it("says of the canary what it looks at", () => {
    const parsed = parseRelease(aDocument({ [`${WEB}/autoscaling/strategy`]: "OneThenAllWithCanary" }));

    expect(parsed).toMatchObject({
      kind: "parsed",
      warnings: [
        {
          message:
            "Service(web): OneThenAllWithCanary goes on at the first healthy look, and where one instance is enough it ends with it. Use GatedCanary.",
        },
      ],
    });
  });

  it.each(["AllAtOnce", ...GATED_STRATEGIES])("does not warn of %s", (strategy) => {
    const steps = strategy === "GatedSteps" ? { [`${WEB}/autoscaling/steps`]: [1] } : {};

    expect(codesOf({ [`${WEB}/autoscaling/strategy`]: strategy, ...steps })).toEqual([]);
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ["spot capacity of several types", { [`${WEB}/spot_price`]: "1", [`${WEB}/instance_types`]: ["t3a.small"] }],
    ["volumes without a type", { [`${WEB}/ebs_volume_size`]: 8 }],
    ["an empty list of classic load balancers", { [`${WEB}/elbs`]: [] }],
    ["tokens for instance metadata", { [`${WEB}/metadata_tokens`]: "required" }],
  ])("does not warn of %s", (_, changes) => {
    expect(codesOf(changes)).toEqual([]);
  });

  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ["a volume's type without its size", { [`${WEB}/ebs_volume_type`]: "gp3" }, "release-ebs-without-size"],
    ["a device without a size", { [`${WEB}/ebs_device_name`]: "/dev/sda1" }, "release-ebs-without-size"],
    [
      "a period that CloudWatch does not take",
      { [`${WEB}/autoscaling/policies`]: [{ type: "cpu_scale_up", period: 45 }] },
      "release-policy-period",
    ],
  ])("takes %s, as the predecessor did, and warns of it", (_, changes, code) => {
    expect(codesOf(changes)).toEqual([code]);
  });

  it.each([
    ["GatedSteps", [1, 2], 299, []],
    ["GatedSteps", [1, 2], 300, ["release-bake-time-above-timeout"]],
    ["GatedCanary", undefined, 599, []],
    ["GatedCanary", undefined, 600, ["release-bake-time-above-timeout"]],
  ])("counts how long %s bakes with the steps %j of %i s", (strategy, steps, bake_time, codes) => {
    expect(codesOf({ [`${WEB}/autoscaling`]: { strategy, steps, bake_time } })).toEqual(codes);
  });
});
