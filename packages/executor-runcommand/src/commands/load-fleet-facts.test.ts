import { describe, expect, it } from "vitest";
import { openDoctorAws, toTarget } from "./load-fleet-facts.ts";

describe("openDoctorAws", () => {
  it("makes clients of the region that is named, and calls nothing", async () => {
    const { aws } = openDoctorAws({ region: "eu-central-1" }, new AbortController().signal);

    const regions = await Promise.all([aws.ec2.config.region(), aws.ssm.config.region()]);

    expect(regions).toEqual(["eu-central-1", "eu-central-1"]);
  });

  it("rejects an invalid account", () => {
    const place = { account: "12", region: "eu-west-1", role: "reader" };

    expect(() => openDoctorAws(place, new AbortController().signal)).toThrow(/12 digits/);
  });
});

describe("the place to check", () => {
  it.each([
    ["eu-west-1", "aws"],
    ["cn-north-1", "aws-cn"],
    ["us-gov-west-1", "aws-us-gov"],
  ])("is in the partition of its region: %s in %s", (region, partition) => {
    const place = { account: "111122223333", region, role: "reader" };

    expect(toTarget(place)).toEqual({ ...place, partition });
    expect(toTarget({ region })).toBeUndefined();
  });
});
