import { describe, expect, it } from "vitest";
import { ARTIFACTS_PARAMETERS } from "./artifacts-parameters.ts";
import type { ParameterDefinition } from "./parameter-forms.ts";

const takes = (name: keyof typeof ARTIFACTS_PARAMETERS, value: string) => {
  const { pattern = "" }: ParameterDefinition = ARTIFACTS_PARAMETERS[name];
  return new RegExp(pattern).test(value);
};
const account = (index: number) => String(100_000_000_000 + index);
const accounts = (count: number) => Array.from({ length: count }, (_each, index) => account(index)).join(",");

describe("parameters of artifacts", () => {
  it.each([
    ...["eu-west-1", "us-gov-west-1", "cn-north-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1"],
    ...["eusc-de-east-1", "mx-central-1", "ap-southeast-5", "il-central-1", ""],
  ])("take the region %j", (region) => {
    expect(takes("DistributionRegion", region)).toBe(true);
  });

  it.each(["eu-west", "eu-west-1 ", "EU-WEST-1", "eu-west-1,us-east-1"])("refuse the region %j", (region) => {
    expect(takes("DistributionRegion", region)).toBe(false);
  });

  it.each([
    ["DistributionTopic", "sns", "build-artifact-distributor-DistributionTopic-1A5L07HYRFVRA"],
    ["InitialDistributionSetMachine", "states", "stateMachine:InitSetRetrieverMachine-i1BYUlZbD1Si"],
    ["ReceiptBus", "events", "event-bus/stackyard-receipts"],
    ["KmsKeyArn", "kms", "key/mrk-1234abcd12ab34cd56ef1234567890ab"],
  ] as const)("take %s in every partition", (name, service, rest) => {
    const regions = ["aws:eu-west-1", "aws-cn:cn-north-1", "aws-us-gov:us-gov-west-1", "aws-eusc:eusc-de-east-1"];
    const refused = regions.filter((each) => {
      const [partition, region] = each.split(":");
      return !takes(name, `arn:${partition}:${service}:${region}:529985782713:${rest}`);
    });

    expect(refused).toEqual([]);
  });

  it.each([
    "arn:aws:iam::529985782713:role/TriggerInitSetRole",
    "arn:aws:iam::529985782713:role/cicd/artifacts/TriggerInitSetRole",
    "arn:aws-cn:iam::529985782713:role/service-role/distributor-Role+1=@x.y_z",
  ])("take the role %s", (role) => {
    expect(takes("InitialDistributionRole", role)).toBe(true);
  });

  it.each(["", "!NO_VALUE", "tts-cloud-artifacts-529985782713-eu-west-1", "old.bucket"])(
    "take the target %j",
    (bucket) => {
      expect(takes("TargetBucket", bucket)).toBe(true);
    },
  );

  it.each(["1.0", "2019-06-01 12:00", "again, please"])("take %j as a version of the trigger", (version) => {
    expect(takes("TriggerVersion", version)).toBe(true);
  });

  it("take as many trusted accounts as a role's trust policy can contain, and more for a roll-out, which has no trust policy", () => {
    expect(takes("TrustedAccounts", accounts(40))).toBe(true);
    expect(takes("TrustedAccounts", accounts(41))).toBe(false);
    expect(takes("ConsumerAccounts", accounts(200))).toBe(true);
  });
});
