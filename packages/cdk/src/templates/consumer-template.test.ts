import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  ADOPTING_CONSUMER_APP,
  CONSUMER_ZIP_APP,
  DISTRIBUTOR_OUTPUTS,
  FULL_CONSUMER_APP,
  INLINE,
  OLD_CONSUMER_APP,
} from "../testing/an-artifacts-app.ts";
import { findGrants, listPairs } from "../testing/find-grants.ts";
import { listBodies } from "../testing/find-template.ts";
import { resolveTemplate, type TemplateBody, toJson } from "../testing/resolve-template.ts";

const bodies = listBodies({ inline: true });
const consumer: TemplateBody = JSON.parse(bodies.get("consumer") ?? "{}");
const deploy = (parameters: Readonly<Record<string, string>>) => resolveTemplate(consumer, parameters);
const made = deploy(DISTRIBUTOR_OUTPUTS);
const { resources } = made;
const propertiesOf = (id: string, of = resources) => of[id]?.properties ?? {};
const BUCKET = "stackyard-artifacts-111122223333-eu-west-1";

describe("the template of a consumer", () => {
  it("makes these resources, by names that stay", () => {
    expect(Object.entries(resources).map(([id, { type }]) => [id, type])).toEqual([
      ["AdoptedBucketLogs", "AWS::Logs::LogGroup"],
      ["AdoptedBucketRole", "AWS::IAM::Role"],
      ["AdoptedBucketFunction", "AWS::Lambda::Function"],
      ["AdoptedBucket", "Custom::AdoptedBucket"],
      ["DeadLetterQueue", "AWS::SQS::Queue"],
      ["DeadLetterQueuePolicy", "AWS::SQS::QueuePolicy"],
      ["ParkingQueue", "AWS::SQS::Queue"],
      ["ParkingQueuePolicy", "AWS::SQS::QueuePolicy"],
      ["Queue", "AWS::SQS::Queue"],
      ["QueuePolicy", "AWS::SQS::QueuePolicy"],
      ["QueueSubscription", "AWS::SNS::Subscription"],
      ["CopyLogs", "AWS::Logs::LogGroup"],
      ["CopyRole", "AWS::IAM::Role"],
      ["CopyFunction", "AWS::Lambda::Function"],
      ["QueueMapping", "AWS::Lambda::EventSourceMapping"],
      ["InitialSetTriggerLogs", "AWS::Logs::LogGroup"],
      ["InitialSetTriggerRole", "AWS::IAM::Role"],
      ["InitialSetTriggerFunction", "AWS::Lambda::Function"],
      ["InitialSetTrigger", "Custom::InitialSetTrigger"],
      ["BucketNameParameter", "AWS::SSM::Parameter"],
      ["AlarmDeadLetters", "AWS::CloudWatch::Alarm"],
      ["AlarmParked", "AWS::CloudWatch::Alarm"],
      ["AlarmQueueWaits", "AWS::CloudWatch::Alarm"],
      ["AlarmCopyThrottled", "AWS::CloudWatch::Alarm"],
      ["AlarmCopyFails", "AWS::CloudWatch::Alarm"],
    ]);
  });

  it("uses no account-wide names, so that one account can deploy it in many regions", () => {
    const roles = Object.values(resources).filter(({ type }) => type === "AWS::IAM::Role");

    expect(roles).toHaveLength(3);
    expect(roles.flatMap(({ properties }) => Object.keys(properties)).filter((name) => name.endsWith("Name"))).toEqual(
      [],
    );
    expect(propertiesOf("AdoptedBucket")["BucketName"]).toContain("-eu-west-1");
  });

  it("has the predecessor's parameters, none of which names a real account", () => {
    const defaults = Object.fromEntries(
      Object.keys(OLD_CONSUMER_APP).map((name) => [name, consumer.Parameters?.[name]?.Default]),
    );

    expect(defaults).toEqual({
      DistributionTopic: "",
      DistributionRegion: "",
      DistributionBucket: "",
      InitialDistributionRole: "",
      InitialDistributionSetMachine: "",
      TargetBucket: "!NO_VALUE",
      TriggerVersion: "1.0",
    });
  });

  it("rejects to be deployed without a distributor, and says which parameter is missing", () => {
    const { Rules } = toJson(consumer);
    const { Assertions } = toJson(toJson(Rules)["DistributorIsGiven"]);

    expect(JSON.stringify(Assertions)).toMatch(/Give DistributionTopic.*DistributionBucket.*Role.*Machine/);
  });

  it("has its code in it, each function what it needs", () => {
    const codes = ["Copy", "InitialSetTrigger", "AdoptedBucket"].map((name) => {
      const { Code, Handler, Runtime } = propertiesOf(`${name}Function`);
      return [toJson(Code)["ZipFile"], Handler, Runtime];
    });

    expect(codes).toEqual([
      [INLINE.copy, "index.handler", "nodejs24.x"],
      [INLINE.resources, "index.initialSet", "nodejs24.x"],
      [INLINE.resources, "index.bucket", "nodejs24.x"],
    ]);
  });
});

describe("its code", () => {
  const digests = {
    Copy: createHash("sha256").update(INLINE.copy).digest("hex"),
    Resources: createHash("sha256").update(INLINE.resources).digest("hex"),
  };

  it("has its digest and its source next to it", () => {
    const told = ["Copy", "InitialSetTrigger", "AdoptedBucket"].map((name) => {
      return toJson(toJson(toJson(toJson(consumer.Resources)[`${name}Function`])["Metadata"])["Stackyard"]);
    });

    expect(told).toMatchObject([
      { File: "apps/consumer/dist/inline/copy.js", Bytes: INLINE.copy.length, Sha256: digests.Copy },
      { File: "apps/consumer/dist/inline/resources.js", Bytes: INLINE.resources.length, Sha256: digests.Resources },
      { File: "apps/consumer/dist/inline/resources.js", Bytes: INLINE.resources.length, Sha256: digests.Resources },
    ]);
  });

  it("returns the digests as outputs, to be compared in all accounts", () => {
    expect(made.outputs).toMatchObject({
      CopyCodeSha256: digests.Copy,
      ResourcesCodeSha256: digests.Resources,
    });
  });
});

describe("its queue", () => {
  it("hides a message for six times the timeout of the function, and keeps it for the maximum of SQS", () => {
    expect(propertiesOf("Queue")).toEqual({
      VisibilityTimeout: 5_400,
      MessageRetentionPeriod: 1_209_600,
      SqsManagedSseEnabled: true,
      RedrivePolicy: {
        deadLetterTargetArn: "arn:aws:sqs:eu-west-1:111122223333:DeadLetterQueue",
        maxReceiveCount: 50,
      },
    });
    expect(propertiesOf("CopyFunction")["Timeout"]).toBe(900);
    expect(propertiesOf("DeadLetterQueue")["MessageRetentionPeriod"]).toBe(1_209_600);
  });

  it("takes messages of the topic of that distributor alone", () => {
    const { Statement } = toJson(propertiesOf("QueuePolicy")["PolicyDocument"]);

    expect(Statement).toEqual([
      expect.objectContaining({ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } }),
      {
        Sid: "Topic",
        Effect: "Allow",
        Principal: { Service: ["sns.amazonaws.com"] },
        Action: "sqs:SendMessage",
        Resource: "arn:aws:sqs:eu-west-1:111122223333:Queue",
        Condition: {
          ArnEquals: { "aws:SourceArn": DISTRIBUTOR_OUTPUTS.DistributionTopic },
          StringEqualsIfExists: { "aws:SourceAccount": "999900001111" },
        },
      },
    ]);
  });

  it.each([
    ["eu-west-1", "eu-central-1", ["sns.amazonaws.com"]],
    ["ap-east-1", "eu-central-1", ["sns.amazonaws.com", "sns.ap-east-1.amazonaws.com"]],
    ["us-east-1", "ap-southeast-5", ["sns.amazonaws.com", "sns.ap-southeast-5.amazonaws.com"]],
    ["il-central-1", "mx-central-1", ["sns.amazonaws.com", "sns.il-central-1.amazonaws.com"]],
    ["us-gov-east-1", "us-gov-west-1", ["sns.amazonaws.com"]],
    ["cn-north-1", "cn-northwest-1", ["sns.amazonaws.com"]],
  ])("is in %s, topic in %s: lets SNS of a region send that must be switched on", (region, topicRegion, Service) => {
    const DistributionTopic = DISTRIBUTOR_OUTPUTS.DistributionTopic.replace("eu-central-1", topicRegion);
    const partition = /^(cn|us-gov)-/.exec(region)?.[1];
    const of = resolveTemplate(consumer, {
      ...DISTRIBUTOR_OUTPUTS,
      DistributionTopic,
      "AWS::Region": region,
      "AWS::Partition": partition === undefined ? "aws" : `aws-${partition}`,
    });
    const { Statement } = toJson(propertiesOf("QueuePolicy", of.resources)["PolicyDocument"]);

    expect(Statement).toContainEqual(expect.objectContaining({ Sid: "Topic", Principal: { Service } }));
  });

  it("is subscribed in the topic's region, raw, for all and for this account and region", () => {
    expect(propertiesOf("QueueSubscription")).toEqual({
      TopicArn: DISTRIBUTOR_OUTPUTS.DistributionTopic,
      Region: "eu-central-1",
      Protocol: "sqs",
      Endpoint: "arn:aws:sqs:eu-west-1:111122223333:Queue",
      RawMessageDelivery: true,
      FilterPolicy: { account: ["ALL", "111122223333"], region: ["ALL", "eu-west-1"] },
    });
  });

  it("has no filter policy where the topic has no room for more", () => {
    const { resources: made } = deploy({ ...OLD_CONSUMER_APP, TopicFilter: "false" });

    expect(propertiesOf("QueueSubscription", made)["FilterPolicy"]).toEqual({});
    for (const id of ["CopyFunction", "InitialSetTriggerFunction"]) {
      expect(toJson(propertiesOf(id, made)["Environment"])["Variables"]).toMatchObject({ TOPIC_FILTER: "false" });
    }
  });

  it("calls the function with ten messages at most, each of which may fail alone", () => {
    expect(propertiesOf("QueueMapping")).toEqual({
      EventSourceArn: "arn:aws:sqs:eu-west-1:111122223333:Queue",
      FunctionName: "CopyFunction",
      BatchSize: 10,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
    });
  });

  it("has the customer's key where there is one", () => {
    const queues = deploy(FULL_CONSUMER_APP).resources;

    for (const id of ["Queue", "DeadLetterQueue", "ParkingQueue"]) {
      expect(propertiesOf(id, queues)["KmsMasterKeyId"]).toBe(FULL_CONSUMER_APP.QueueKeyArn);
      expect(propertiesOf(id, queues)).not.toHaveProperty("SqsManagedSseEnabled");
    }
  });
});

describe("its initial set", () => {
  it("is requested once messages can arrive", () => {
    const { DependsOn } = toJson(toJson(consumer.Resources)["InitialSetTrigger"]);

    expect(DependsOn).toEqual(["QueueMapping", "QueuePolicy", "QueueSubscription"]);
    expect(toJson(toJson(consumer.Resources)["QueueSubscription"])["DependsOn"]).toEqual(["QueuePolicy"]);
  });

  it("is requested again when any of its inputs has changed", () => {
    expect(propertiesOf("InitialSetTrigger")).toEqual({
      ServiceToken: "arn:aws:lambda:eu-west-1:111122223333:function:InitialSetTriggerFunction",
      ServiceTimeout: 600,
      Version: "1.0",
      Topic: DISTRIBUTOR_OUTPUTS.DistributionTopic,
      Queue: "arn:aws:sqs:eu-west-1:111122223333:Queue",
      Subscription: "QueueSubscription",
      Bucket: BUCKET,
      Role: DISTRIBUTOR_OUTPUTS.InitialDistributionRole,
      Machine: DISTRIBUTOR_OUTPUTS.InitialDistributionSetMachine,
      WaitForInitialSet: "false",
      Transfer: "auto",
      Retire: "false",
      TopicFilter: "true",
    });
  });

  it("notifies the distributor again when the consumer's capabilities change", () => {
    const { Transfer, Retire } = propertiesOf("InitialSetTrigger", deploy(FULL_CONSUMER_APP).resources);

    expect({ Transfer, Retire }).toEqual({ Transfer: "presigned", Retire: "true" });
  });

  it("takes the role that is given, and no other", () => {
    expect(listPairs(findGrants(made, "InitialSetTriggerRole"))).toEqual([
      `events:PutEvents ${DISTRIBUTOR_OUTPUTS.ReceiptBus}`,
      ...["CreateLogStream", "PutLogEvents"].map((call) => `logs:${call} ${logsOf("InitialSetTrigger")}`),
      "sns:ListSubscriptions *",
      `sns:Subscribe ${DISTRIBUTOR_OUTPUTS.DistributionTopic}`,
      "sns:Unsubscribe *",
      `sts:AssumeRole ${DISTRIBUTOR_OUTPUTS.InitialDistributionRole}`,
    ]);
  });

  it("configures the function as the predecessor's, and waits three minutes, or as long as Lambda allows", () => {
    const { Timeout, Environment } = propertiesOf("InitialSetTriggerFunction", deploy(OLD_CONSUMER_APP).resources);

    expect(toJson(Environment)["Variables"]).toMatchObject({
      INITIAL_DISTRIBUTION_MACHINE: OLD_CONSUMER_APP.InitialDistributionSetMachine,
      INITIAL_DISTRIBUTION_ROLE: OLD_CONSUMER_APP.InitialDistributionRole,
      INITIAL_DISTRIBUTION_REGION: "eu-west-1",
      CONSUMER_ACCOUNT_ID: "111122223333",
      CONSUMER_REGION: "eu-west-1",
    });
    expect([
      Timeout,
      propertiesOf("InitialSetTriggerFunction", deploy(FULL_CONSUMER_APP).resources)["Timeout"],
    ]).toEqual([180, 900]);
  });
});

describe("its bucket", () => {
  it.each(["!NO_VALUE", ""])("is made or taken over with TargetBucket '%s'", (TargetBucket) => {
    const of = deploy({ ...DISTRIBUTOR_OUTPUTS, TargetBucket });

    expect(propertiesOf("AdoptedBucket", of.resources)).toMatchObject({ BucketName: BUCKET, EmptyOnDelete: "false" });
    expect(of.outputs["ArtifactsBucket"]).toBe(BUCKET);
    expect(propertiesOf("BucketNameParameter", of.resources)).toMatchObject({
      Name: "/stackyard/consumer/bucket-name",
      Type: "String",
      Value: BUCKET,
    });
  });

  it("is another's where one is given, and nothing may change that one", () => {
    const of = deploy(FULL_CONSUMER_APP);

    expect(Object.keys(of.resources).filter((id) => id.startsWith("Adopted"))).toEqual([]);
    expect(of.outputs["ArtifactsBucket"]).toBe("acme-copies");
  });

  it("is never the one that artifacts come from, which the old prefix may match", () => {
    const source = "arn:aws:s3:::tts-cloud-artifacts-111122223333-eu-west-1";
    const DistributionBucket = "tts-cloud-artifacts-111122223333-eu-west-1";
    const of = deploy({ ...ADOPTING_CONSUMER_APP, DistributionBucket });
    const { Assertions } = toJson(toJson(toJson(consumer)["Rules"])["TargetIsNotSource"]);

    expect(propertiesOf("AdoptedBucketRole", of.resources)["Policies"]).toContainEqual({
      PolicyName: "Source",
      PolicyDocument: {
        Version: "2012-10-17",
        Statement: [{ Sid: "LeaveAlone", Effect: "Deny", Action: ["s3:*"], Resource: [source, `${source}/*`] }],
      },
    });
    expect(Assertions).toEqual([
      {
        Assert: { "Fn::Not": [{ "Fn::Equals": [{ Ref: "TargetBucket" }, { Ref: "DistributionBucket" }] }] },
        AssertDescription: "TargetBucket is the distributor's bucket. Set another one.",
      },
    ]);
  });

  it("is kept by its function, which may delete only where that is wanted", () => {
    const deletes = (parameters: Readonly<Record<string, string>>) =>
      listPairs(findGrants(deploy(parameters), "AdoptedBucketRole")).filter((pair) => /:Delete/.test(pair));

    expect(deletes(DISTRIBUTOR_OUTPUTS)).toEqual([]);
    expect(deletes(ADOPTING_CONSUMER_APP)).toEqual([
      "s3:DeleteBucket arn:aws:s3:::tts-cloud-artifacts-111122223333-eu-west-1",
      "s3:DeleteObject arn:aws:s3:::tts-cloud-artifacts-111122223333-eu-west-1/*",
      "s3:DeleteObjectVersion arn:aws:s3:::tts-cloud-artifacts-111122223333-eu-west-1/*",
    ]);
  });
});

describe("the role of the function that copies", () => {
  it("reads the source, writes the bucket and answers, and nothing else", () => {
    const bucket = `arn:aws:s3:::${BUCKET}`;
    const source = `arn:aws:s3:::${DISTRIBUTOR_OUTPUTS.DistributionBucket}/*`;

    expect(listPairs(findGrants(made, "CopyRole"))).toEqual(
      [
        `events:PutEvents ${DISTRIBUTOR_OUTPUTS.ReceiptBus}`,
        ...["CreateLogStream", "PutLogEvents"].map((call) => `logs:${call} ${logsOf("Copy")}`),
        ...["AbortMultipartUpload", "GetObject", "PutObject"].map((call) => `s3:${call} ${bucket}/*`),
        ...[`s3:DeleteObject ${bucket}/.stackyard/*`, `s3:ListBucket ${bucket}`],
        ...[`s3:GetObject ${source}`, `s3:GetObjectVersion ${source}`],
        ...["ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "ReceiveMessage"].map(
          (call) => `sqs:${call} arn:aws:sqs:eu-west-1:111122223333:Queue`,
        ),
        "sqs:SendMessage arn:aws:sqs:eu-west-1:111122223333:ParkingQueue",
      ].toSorted(),
    );
  });

  it("reads the source not at all where everything comes by URL, and deletes artifacts only where they are retired", () => {
    const pairs = listPairs(findGrants(deploy(FULL_CONSUMER_APP), "CopyRole"));

    expect(pairs.filter((pair) => pair.includes(FULL_CONSUMER_APP.DistributionBucket))).toEqual([]);
    expect(pairs).toContain("s3:DeleteObject arn:aws:s3:::acme-copies/*");
  });

  it("reads and assumes roles only within the organization, if one is set", () => {
    const of = deploy({ ...DISTRIBUTOR_OUTPUTS, OrganizationId: "o-a1b2c3d4e5" });
    const within = { StringEquals: { "aws:ResourceOrgID": "o-a1b2c3d4e5" } };

    expect(findGrants(of, "CopyRole").find(({ policy }) => policy === "Source")?.conditions).toEqual(within);
    expect(findGrants(of, "InitialSetTriggerRole").find(({ sid }) => sid === "TakeRole")?.conditions).toEqual(within);
  });

  it("uses keys through S3 alone, the distributor's in its region", () => {
    const grants = findGrants(deploy(FULL_CONSUMER_APP), "CopyRole");
    const via = (policy: string) => grants.find((grant) => grant.policy === policy)?.conditions;

    expect(via("BucketKey")).toEqual({ StringEquals: { "kms:ViaService": "s3.eu-west-1.amazonaws.com" } });
    expect(via("SourceKey")).toEqual({ StringEquals: { "kms:ViaService": "s3.eu-central-1.amazonaws.com" } });
  });
});

describe("the template with a zip", () => {
  const zip = resolveTemplate(JSON.parse(bodies.get("consumer-zip") ?? "{}"), {
    ...DISTRIBUTOR_OUTPUTS,
    ...CONSUMER_ZIP_APP,
  });

  it("takes it from the region's bucket", () => {
    const code = { S3Bucket: "acme-code-eu-west-1", S3Key: CONSUMER_ZIP_APP.ConsumerZip };

    expect(propertiesOf("CopyFunction", zip.resources)["Code"]).toEqual(code);
    expect(propertiesOf("AdoptedBucketFunction", zip.resources)["Code"]).toEqual(code);
  });

  it("is the same but for the code", () => {
    const withoutCode = (of: typeof resources) =>
      Object.entries(of).map(
        ([
          id,
          {
            type,
            properties: { Code: _code, ...others },
          },
        ]) => [id, type, others],
      );

    expect(withoutCode(zip.resources)).toEqual(withoutCode(resources));
  });
});

function logsOf(name: string): string {
  return `arn:aws:logs:eu-west-1:111122223333:log-group:${name}Logs:*`;
}
