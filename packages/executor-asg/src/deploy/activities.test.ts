import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { explainActivity, readActivities, type ScalingActivity } from "./activities.ts";

describe("explainActivity", () => {
  it.each([
    [
      "Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity available that matches your request. Launching EC2 instance failed.",
      "no Spot capacity",
    ],
    [
      "Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity due to your request configuration. Please adjust your request and try again. Launching EC2 instance failed.",
      "no Spot capacity",
    ],
    [
      "Could not launch Spot Instances. SpotMaxPriceTooLow - Your Spot request price of 0.001 is lower than the minimum required Spot request fulfillment price of 0.0081. Launching EC2 instance failed.",
      "the Spot price is too low",
    ],
    [
      "Could not launch Spot Instances. MaxSpotInstanceCountExceeded - Max spot instance count exceeded.",
      "the account's quota of Spot Instances is used up",
    ],
    [
      "We currently do not have sufficient m5.large capacity in the Availability Zone you requested (eu-west-1a). Our system will be working on provisioning additional capacity. Launching EC2 instance failed.",
      "no capacity for the instance type in this zone",
    ],
    [
      "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the specified instance type belongs to. Launching EC2 instance failed.",
      "the account's quota of vCPUs is used up",
    ],
    [
      "Your quota allows for 0 more running instance(s). You requested at least 1. Launching EC2 instance failed.",
      "the account's quota of instances is used up",
    ],
    [
      "There are not enough free addresses in subnet 'subnet-1' to satisfy the requested number of instances.",
      "no free address in the subnet",
    ],
    ["The image id '[ami-0a1b]' does not exist. Launching EC2 instance failed.", "AMI not found"],
    ["AMI ami-0a1b is pending, and cannot be run. Launching EC2 instance failed.", "AMI not found"],
    [
      "The requested instance type's architecture (arm64) does not match the architecture in the manifest for ami-1 (x86_64).",
      "the AMI does not fit the instance type",
    ],
    ["Invalid IAM Instance Profile name. Launching EC2 instance failed.", "IAM profile invalid"],
    [
      "Value (x) for parameter iamInstanceProfile.name is invalid. Launching EC2 instance failed.",
      "IAM profile invalid",
    ],
    ["The security group 'default' does not exist. Launching EC2 instance failed.", "security group not found"],
    ["The subnet ID 'subnet-1' does not exist. Launching EC2 instance failed.", "subnet not found"],
    ["The key pair 'mine' does not exist. Launching EC2 instance failed.", "key pair not found"],
    [
      "Your requested instance type (x1.32xlarge) is not supported in your requested Availability Zone (eu-west-1c).",
      "the instance type is not offered there",
    ],
    [
      "The requested configuration is currently not supported. Please check the documentation for supported configurations.",
      "the configuration is not supported for the instance type",
    ],
    [
      "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: Client.InternalError: Client error on launch.",
      "the KMS key of a volume is not usable",
    ],
    [
      "Instance failed to complete user's Lifecycle Action: Lifecycle Action with token 1 was abandoned: Heartbeat Timeout",
      "a launch hook was abandoned",
    ],
    ["You are not authorized to perform this operation. Launching EC2 instance failed.", "not allowed to launch"],
    [
      "At 2026-03-04T05:06:07Z an instance was taken out of service in response to an ELB system health check failure.",
      "a load balancer found it unhealthy",
    ],
    [
      "At 2026-03-04T05:06:07Z an instance was taken out of service in response to an EC2 instance status checks failure.",
      "its EC2 status checks failed",
    ],
    [
      "At 2026-03-04T05:06:07Z an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped.",
      "its EC2 status checks failed",
    ],
    [
      "At 2026-03-04T05:06:07Z an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity from 2 to 1.",
      "the group was scaled in",
    ],
    ["Something new has happened. Its cause is unknown.", "Something new has happened."],
    ["", "Auto Scaling gave no reason"],
  ])("says of %j: %s", (message, expected) => {
    expect(explainActivity(message)).toBe(expected);
  });
});

describe("readActivities", () => {
  const ended = (id: string): ScalingActivity => ({
    Description: `Terminating EC2 instance: ${id}`,
    StatusCode: "InProgress",
    Cause:
      "At 2026-03-04T05:06:07Z an instance was taken out of service in response to an ELB system health check failure.",
  });
  const failed = (StatusMessage: string): ScalingActivity => ({
    Description: "Launching a new EC2 instance",
    StatusCode: "Failed",
    StatusMessage,
  });
  const launched = {
    Description: "Launching a new EC2 instance: i-0c",
    StatusCode: "Successful",
    Cause: "increasing the capacity",
  };

  it("reports nothing about a healthy group", () => {
    expect(readActivities([])).toEqual({ terminated: [], causes: [] });
    expect(readActivities([launched, {}])).toEqual({ terminated: [], causes: [] });
  });

  it("lists who has ended, oldest first, whatever came of it", () => {
    const activities = [{ ...ended("i-0b"), StatusCode: "Successful" }, launched, ended("i-0a"), ended("i-0b")];

    expect(readActivities(activities)).toEqual({
      terminated: ["i-0b", "i-0a"],
      causes: [
        "i-0b terminated: a load balancer found it unhealthy",
        "i-0a terminated: a load balancer found it unhealthy",
      ],
    });
  });

  it("says why launches failed, each reason once", () => {
    const none = failed("The image id '[ami-1]' does not exist. Launching EC2 instance failed.");

    expect(readActivities([none, none, failed("Invalid IAM Instance Profile name.")]).causes).toEqual([
      ...["launch failed: AMI not found", "launch failed: IAM profile invalid"],
    ]);
    expect(readActivities([{ StatusCode: "Cancelled", Cause: "" }]).causes).toEqual([
      "launch failed: Auto Scaling gave no reason",
    ]);
  });

  it("keeps the latest ten reasons", () => {
    const activities = Array.from({ length: 30 }, (_none, index) => ended(`i-${index}`));

    expect(readActivities(activities).causes).toHaveLength(10);
    expect(readActivities(activities).causes[0]).toMatch(/^i-0 terminated/);
    expect(readActivities(activities).terminated).toHaveLength(30);
  });

  it("survives whatever is listed", () => {
    const text = fc.option(fc.string(), { nil: undefined });
    const activity = fc.record({
      Description: text,
      Cause: text,
      StatusCode: fc.constantFrom("Failed", "", undefined),
      StatusMessage: text,
    });
    fc.assert(
      fc.property(fc.array(activity), (activities) => {
        for (const cause of readActivities(activities).causes) expect(cause.length).toBeLessThan(300);
      }),
    );
  });
});
