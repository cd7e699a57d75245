import { App, Stack } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { describe, expect, it } from "vitest";
import { DISTRIBUTOR_OUTPUTS } from "../testing/an-artifacts-app.ts";
import { findGrants, listPairs } from "../testing/find-grants.ts";
import { resolveTemplate, toJson } from "../testing/resolve-template.ts";
import { ArtifactConsumer, ConsumerAlarms } from "./artifact-consumer.ts";
import { ArtifactDistributor, DistributorAlarms } from "./artifact-distributor.ts";
import type { ArtifactConsumerProps } from "./consumer-functions.ts";
import type { ArtifactDistributorProps } from "./distributor-props.ts";

const code = Code.fromInline("exports.handler = () => {}");
const ACCOUNTS = ["111122223333", "444455556666"];
const DISTRIBUTOR = {
  topicArn: DISTRIBUTOR_OUTPUTS.DistributionTopic,
  bucket: DISTRIBUTOR_OUTPUTS.DistributionBucket,
  initialSetRoleArn: DISTRIBUTOR_OUTPUTS.InitialDistributionRole,
  initialSetMachineArn: DISTRIBUTOR_OUTPUTS.InitialDistributionSetMachine,
};

/** What a program's stack comes to, by the types and beginnings of its resources. */
function synthesize(add: (stack: Stack) => void) {
  const app = new App({ analyticsReporting: false, builtinCloudFormationValidation: false });
  const stack = new Stack(app, "artifacts");
  add(stack);
  const resolved = resolveTemplate(app.synth().getStackByName("artifacts").template, {
    BootstrapVersion: "/cdk-bootstrap/hnb659fds/version",
  });
  const idOf = (type: string, part = "") =>
    Object.keys(resolved.resources).find((id) => resolved.resources[id]?.type === type && id.includes(part)) ?? "";
  const find = (type: string, part = "") => resolved.resources[idOf(type, part)]?.properties;
  const pairsOf = (part: string) => listPairs(findGrants(resolved, idOf("AWS::IAM::Role", part)));
  return { resolved, find, pairsOf };
}

function makeDistributor(props: Partial<ArtifactDistributorProps> = {}) {
  return synthesize((stack) => {
    const trusted = { accounts: ACCOUNTS };
    const distributor = new ArtifactDistributor(stack, "Artifacts", { code, trusted, ...props });
    new DistributorAlarms(stack, "Alarms", { distributor });
  });
}

function makeConsumer(props: Partial<ArtifactConsumerProps> = {}) {
  return synthesize((stack) => {
    const all = { code: { copy: code }, distributor: DISTRIBUTOR, ...props };
    const consumer = new ArtifactConsumer(stack, "Artifacts", all);
    new ConsumerAlarms(stack, "Alarms", { consumer });
  });
}

describe("ArtifactDistributor", () => {
  it("serves accounts, by roles, topic and bus, and says so to its function", () => {
    const { find } = makeDistributor();

    expect(find("AWS::Events::EventBusPolicy")).toMatchObject({
      Statement: { Condition: { StringEquals: { "aws:PrincipalAccount": ACCOUNTS } } },
    });
    expect(find("AWS::IAM::Role", "TriggerInitSetRole")?.["AssumeRolePolicyDocument"]).toMatchObject({
      Statement: [{ Condition: { StringEquals: { "aws:PrincipalAccount": ACCOUNTS } }, Action: ["sts:AssumeRole"] }],
    });
    expect(find("AWS::Lambda::Function")?.["Environment"]).toMatchObject({
      Variables: { TRUSTED_ACCOUNTS: "111122223333,444455556666" },
    });
  });

  it("requires an external id, with and without a condition", () => {
    const { find } = makeDistributor({ externalId: "artifacts-of-acme" });

    expect(find("AWS::IAM::Role", "TriggerInitSetRole")?.["AssumeRolePolicyDocument"]).toMatchObject({
      Statement: [{ Condition: { StringEquals: { "sts:ExternalId": "artifacts-of-acme" } } }],
    });
  });

  it("uses a bucket and a table that are there", () => {
    const { resolved, find } = makeDistributor({ existing: { bucket: "artifacts", table: "records" } });

    const types = Object.values(resolved.resources).map(({ type }) => type);
    expect(types).not.toContain("AWS::S3::Bucket");
    expect(types).not.toContain("AWS::DynamoDB::Table");
    expect(find("AWS::Lambda::Function")?.["Environment"]).toMatchObject({
      Variables: { ARTIFACTS_BUCKET: "artifacts", RECORDS_TABLE: "records" },
    });
  });

  it.each([
    ["uploads/", "uploads/"],
    ["/", ""],
  ])("receives uploads under %s", (uploadPrefix, prefix) => {
    const { find } = makeDistributor({ uploadPrefix });

    expect(find("AWS::Events::Rule", "Published")?.["EventPattern"]).toMatchObject({
      detail: { object: { key: [{ suffix: "/manifest.json" }, { prefix }] } },
    });
  });

  it("lets no account read the bucket when all transfers use URLs", () => {
    const { find } = makeDistributor({ transfer: "presigned" });

    expect(toJson(find("AWS::S3::BucketPolicy")?.["PolicyDocument"])["Statement"]).toHaveLength(1);
  });

  it("uses keys of the customer's through their services alone", () => {
    const key = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const { resolved, find, pairsOf } = makeDistributor({ kmsKeyArn: key, topicKeyArn: key });

    expect(find("AWS::SNS::Topic")?.["KmsMasterKeyId"]).toBe(key);
    expect(pairsOf("SignerRole")).toContain(`kms:Decrypt ${key}`);
    const role = Object.keys(resolved.resources).find((id) => id.includes("DistributorRole")) ?? "";
    const via = findGrants(resolved, role).flatMap(({ policy, conditions }) =>
      policy.endsWith("Key") ? [[policy, conditions]] : [],
    );
    expect(via).toEqual([
      ["ArtifactsKey", { StringEquals: { "kms:ViaService": "s3.eu-west-1.amazonaws.com" } }],
      ["TopicKey", { StringEquals: { "kms:ViaService": "sns.eu-west-1.amazonaws.com" } }],
    ]);
  });
});

describe("ArtifactConsumer", () => {
  it("subscribes in the region of the topic, and sends no receipts without a bus", () => {
    const { find, pairsOf } = makeConsumer();

    expect(find("AWS::SNS::Subscription")?.["Region"]).toBe("eu-central-1");
    expect(pairsOf("CopyRole").filter((pair) => pair.startsWith("events:"))).toEqual([]);
    expect(toJson(find("AWS::Lambda::Function", "CopyFunction")?.["Environment"])["Variables"]).not.toHaveProperty(
      "RECEIPT_BUS",
    );
  });

  it.each([
    ["arn:aws:sns:eu-central-1:999900001111:topic", ["sns.amazonaws.com"]],
    ["arn:aws:sns:ap-east-1:999900001111:topic", ["sns.amazonaws.com", "sns.ap-east-1.amazonaws.com"]],
    ["arn:aws-cn:sns:cn-north-1:999900001111:topic", ["sns.amazonaws.com"]],
  ])("lets SNS send from %s", (topicArn, Service) => {
    const { resolved } = makeConsumer({ distributor: { ...DISTRIBUTOR, topicArn } });
    const policies = Object.values(resolved.resources).filter(({ type }) => type === "AWS::SQS::QueuePolicy");

    expect(policies.flatMap(({ properties }) => toJson(properties["PolicyDocument"])["Statement"])).toContainEqual(
      expect.objectContaining({ Sid: "Topic", Principal: { Service } }),
    );
  });

  it("creates or adopts a bucket, or leaves a named one unchanged", () => {
    const made = makeConsumer({ bucketPrefix: "tts-cloud-artifacts" });
    const named = makeConsumer({ targetBucket: "copies" });

    expect(made.find("Custom::AdoptedBucket")).toMatchObject({
      BucketName: "tts-cloud-artifacts-111122223333-eu-west-1",
      EmptyOnDelete: "false",
    });
    expect(named.find("Custom::AdoptedBucket")).toBeUndefined();
    expect(named.find("AWS::SSM::Parameter")?.["Value"]).toBe("copies");
  });

  it("may do only what is switched on", () => {
    const deletes = (props: Partial<ArtifactConsumerProps>) => {
      const { pairsOf } = makeConsumer(props);
      return ["CopyRole", "AdoptedBucketRole"].map(
        (role) => pairsOf(role).filter((pair) => pair.startsWith("s3:Delete")).length,
      );
    };

    expect(deletes({})).toEqual([1, 0]);
    expect(deletes({ retire: true, emptyOnDelete: true })).toEqual([2, 3]);
  });

  it("does not read the source itself where everything comes by URL", () => {
    const { pairsOf } = makeConsumer({ transfer: "presigned" });

    expect(pairsOf("CopyRole").filter((pair) => pair.includes(DISTRIBUTOR_OUTPUTS.DistributionBucket))).toEqual([]);
  });

  it.each([
    [false, 180, "false"],
    [true, 900, "true"],
  ])("waits for its initial set (%s) for %s s", (waitForInitialSet, seconds, flag) => {
    const { find } = makeConsumer({ waitForInitialSet });

    expect(find("AWS::Lambda::Function", "InitialSetTrigger")?.["Timeout"]).toBe(seconds);
    expect(find("Custom::InitialSetTrigger")?.["WaitForInitialSet"]).toBe(flag);
  });
});
