import { toInitialSetDefinition } from "@stackyard/distributor/initial-set";
import { describe, expect, it } from "vitest";
import {
  DISTRIBUTOR_APP,
  DISTRIBUTOR_OUTPUTS,
  FULL_DISTRIBUTOR_APP,
  FULL_ROLLOUT_APP,
  ROLLOUT_APP,
} from "../testing/an-artifacts-app.ts";
import { findGrants, listPairs } from "../testing/find-grants.ts";
import { listBodies } from "../testing/find-template.ts";
import { resolveTemplate, toJson } from "../testing/resolve-template.ts";
import { PARAMETERS_OF } from "./parameter-definitions.ts";

const bodies = listBodies();
const deploy = (name: string, parameters: Readonly<Record<string, string>>) =>
  resolveTemplate(JSON.parse(bodies.get(name) ?? "{}"), parameters);
const made = deploy("distributor", DISTRIBUTOR_APP);
const ofOrganization = deploy("distributor", {
  ...DISTRIBUTOR_APP,
  TrustedAccounts: "",
  OrganizationId: "o-a1b2c3d4e5",
});
const full = deploy("distributor", FULL_DISTRIBUTOR_APP);
const propertiesOf = (id: string, { resources } = made) => resources[id]?.properties ?? {};
const statementsOf = (document: unknown): readonly unknown[] => {
  const { Statement } = toJson(document);
  return Array.isArray(Statement) ? Statement : [Statement];
};
/** As a condition: a closed account as a principal would make the policy invalid [terraform-provider-aws#26041]. */
const OF_ACCOUNTS = { "aws:PrincipalAccount": ["111122223333", "444455556666"] };
const EVERYBODY = { AWS: "*" };
const TOPIC = "arn:aws:sns:eu-west-1:111122223333:DistributionTopic";
const MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:stackyard-distributor-initial-set";
const BUCKET = "stackyard-artifact-source-111122223333-eu-west-1";

describe("the template of the distributor", () => {
  it("makes these resources, by names that stay", () => {
    expect(Object.entries(made.resources).map(([id, { type }]) => [id, type])).toEqual([
      ["SourceBucket", "AWS::S3::Bucket"],
      ["SourceBucketPolicy", "AWS::S3::BucketPolicy"],
      ["Records", "AWS::DynamoDB::Table"],
      ["DistributionTopic", "AWS::SNS::Topic"],
      ["DistributionTopicPolicy", "AWS::SNS::TopicPolicy"],
      ["ReceiptBus", "AWS::Events::EventBus"],
      ["ReceiptsOfAccounts", "AWS::Events::EventBusPolicy"],
      ["FailuresQueue", "AWS::SQS::Queue"],
      ["FailuresQueuePolicy", "AWS::SQS::QueuePolicy"],
      ["DistributorLogs", "AWS::Logs::LogGroup"],
      ["DistributorRole", "AWS::IAM::Role"],
      ["DistributorFunction", "AWS::Lambda::Function"],
      ["Retries", "AWS::Lambda::EventInvokeConfig"],
      ["SignerRole", "AWS::IAM::Role"],
      ["EventsPublishedRule", "AWS::Events::Rule"],
      ["EventsPublishedPermission", "AWS::Lambda::Permission"],
      ["EventsPublishedUndelivered", "AWS::CloudWatch::Alarm"],
      ["EventsReceivedRule", "AWS::Events::Rule"],
      ["EventsReceivedPermission", "AWS::Lambda::Permission"],
      ["EventsReceivedUndelivered", "AWS::CloudWatch::Alarm"],
      ["EventsSweepRule", "AWS::Events::Rule"],
      ["EventsSweepPermission", "AWS::Lambda::Permission"],
      ["EventsSweepStands", "AWS::CloudWatch::Alarm"],
      ["StatesRole", "AWS::IAM::Role"],
      ["InitialSetMachine", "AWS::StepFunctions::StateMachine"],
      ["TriggerInitSetRole", "AWS::IAM::Role"],
      ["AlarmFailures", "AWS::CloudWatch::Alarm"],
      ["AlarmUndelivered", "AWS::CloudWatch::Alarm"],
      ["AlarmInitialSetFails", "AWS::CloudWatch::Alarm"],
      ["AlarmMissing", "AWS::CloudWatch::Alarm"],
      ["AlarmRefused", "AWS::CloudWatch::Alarm"],
      ["AlarmUntrusted", "AWS::CloudWatch::Alarm"],
      ["AlarmUnsubscribed", "AWS::CloudWatch::Alarm"],
      ["AlarmUnseen", "AWS::CloudWatch::Alarm"],
      ["AlarmFilters", "AWS::CloudWatch::Alarm"],
      ["AlarmDistributorThrottled", "AWS::CloudWatch::Alarm"],
      ["AlarmDistributorFails", "AWS::CloudWatch::Alarm"],
    ]);
  });

  it("returns what consumers must know, by the names of their parameters", () => {
    const parameters: readonly string[] = PARAMETERS_OF.consumer;
    const outputs = Object.keys(full.outputs).filter((name) => parameters.includes(name));

    expect(outputs).toEqual([
      ...["DistributionTopic", "DistributionRegion", "DistributionBucket", "InitialDistributionRole"],
      ...["InitialDistributionSetMachine", "ReceiptBus", "OrganizationId", "ExternalId", "DistributionKeyArn"],
    ]);
    expect(made.outputs).toEqual({
      DistributionTopic: TOPIC,
      DistributionRegion: "eu-west-1",
      DistributionBucket: BUCKET,
      InitialDistributionRole: "arn:aws:iam::111122223333:role/TriggerInitSetRole",
      InitialDistributionSetMachine: MACHINE,
      ReceiptBus: "arn:aws:events:eu-west-1:111122223333:event-bus/stackyard-receipts",
      DistributorFunctionName: "stackyard-distributor",
      RecordsTableName: "stackyard-distributor",
    });
  });

  it("cannot be deployed without trusted accounts", () => {
    const { Rules } = toJson(JSON.parse(bodies.get("distributor") ?? "{}"));

    expect(JSON.stringify(Rules)).toContain("Give TrustedAccounts, OrganizationId or both");
  });

  it("uses what is there instead of making it", () => {
    const types = Object.values(full.resources).map(({ type }) => type);

    expect(types).not.toContain("AWS::S3::Bucket");
    expect(types).not.toContain("AWS::DynamoDB::Table");
    expect(propertiesOf("DistributorFunction", full)["Environment"]).toMatchObject({
      Variables: {
        ARTIFACTS_BUCKET: FULL_DISTRIBUTOR_APP.ExistingSourceBucket,
        RECORDS_TABLE: FULL_DISTRIBUTOR_APP.ExistingRecordsTable,
        TRUSTED_ACCOUNTS: "111122223333,444455556666",
        ORGANIZATION_ID: "o-a1b2c3d4e5",
        ORGANIZATION_ROLE: FULL_DISTRIBUTOR_APP.OrganizationRoleArn,
        KEEP_DAYS: "30",
      },
    });
  });
});

describe("who is served", () => {
  it("may subscribe queues of an own account, and publish nothing", () => {
    const conditions = {
      StringEquals: { "sns:Protocol": "sqs" },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: as IAM reads it.
      StringLike: { "sns:Endpoint": "arn:*:sqs:*:${aws:PrincipalAccount}:*" },
    };
    const [alone, tls, ...others] = statementsOf(propertiesOf("DistributionTopicPolicy")["PolicyDocument"]);

    expect(alone).toEqual({
      Sid: "PublishAlone",
      Effect: "Deny",
      Principal: "*",
      Action: "sns:Publish",
      Resource: TOPIC,
      Condition: { ArnNotEquals: { "aws:PrincipalArn": "arn:aws:iam::111122223333:role/DistributorRole" } },
    });
    // SNS refuses wildcards in the actions of a topic's policy.
    expect(tls).toMatchObject({ Effect: "Deny", Action: ["sns:Publish", "sns:Subscribe"] });
    expect(others).toEqual([
      {
        Sid: "SubscribeAccounts",
        Effect: "Allow",
        Principal: EVERYBODY,
        Action: ["sns:Subscribe"],
        Resource: [TOPIC],
        Condition: { ...conditions, StringEquals: { "sns:Protocol": "sqs", ...OF_ACCOUNTS } },
      },
    ]);
    expect(statementsOf(propertiesOf("DistributionTopicPolicy", ofOrganization)["PolicyDocument"]).at(-1)).toEqual({
      Sid: "SubscribeOrganization",
      Effect: "Allow",
      Principal: { AWS: "*" },
      Action: ["sns:Subscribe"],
      Resource: [TOPIC],
      Condition: {
        ...conditions,
        StringEquals: { "sns:Protocol": "sqs", "aws:PrincipalOrgID": "o-a1b2c3d4e5" },
      },
    });
  });

  it("may start the one state machine by a role that requires the external id", () => {
    const grants = listPairs(findGrants(made, "TriggerInitSetRole"));
    const trust = (of = made) => statementsOf(propertiesOf("TriggerInitSetRole", of)["AssumeRolePolicyDocument"]);

    expect(propertiesOf("TriggerInitSetRole")["RoleName"]).toBe("TriggerInitSetRole");
    expect(grants).toEqual([`states:StartExecution ${MACHINE}`]);
    expect(trust()).toEqual([
      {
        Sid: "TakeAccounts",
        Effect: "Allow",
        Principal: EVERYBODY,
        Action: ["sts:AssumeRole"],
        Condition: { StringEquals: OF_ACCOUNTS },
      },
    ]);
    expect(trust(full)).toMatchObject([
      { Sid: "TakeAccounts", Condition: { StringEquals: { "sts:ExternalId": "artifacts-of-acme", ...OF_ACCOUNTS } } },
      {
        Sid: "TakeOrganization",
        Principal: { AWS: "*" },
        Condition: { StringEquals: { "sts:ExternalId": "artifacts-of-acme", "aws:PrincipalOrgID": "o-a1b2c3d4e5" } },
      },
    ]);
  });

  it("is not more than the trust of a role holds", () => {
    const TrustedAccounts = Array.from({ length: 40 }, (_each, index) => String(100_000_000_000 + index)).join(",");
    const all = deploy("distributor", { ...FULL_DISTRIBUTOR_APP, TrustedAccounts, ExternalId: "x".repeat(64) });
    const trust = JSON.stringify(propertiesOf("TriggerInitSetRole", all)["AssumeRolePolicyDocument"]);

    expect(trust.match(/"[0-9]{12}"/g)).toHaveLength(40);
    expect(trust.length).toBeLessThanOrEqual(2_048);
  });

  it("sees the end of initial sets only where the distributor says so", () => {
    expect(listPairs(findGrants(full, "TriggerInitSetRole"))).toEqual([
      "states:DescribeExecution arn:aws:states:eu-west-1:111122223333:execution:stackyard-distributor-initial-set:*",
      `states:StartExecution ${MACHINE}`,
    ]);
  });

  it("may send receipts as a consumer, and nothing else", () => {
    expect(propertiesOf("ReceiptsOfAccounts")).toEqual({
      EventBusName: "stackyard-receipts",
      StatementId: "ReceiptsOfAccounts",
      Statement: {
        Sid: "ReceiptsOfAccounts",
        Effect: "Allow",
        Principal: EVERYBODY,
        Action: ["events:PutEvents"],
        Resource: ["arn:aws:events:eu-west-1:111122223333:event-bus/stackyard-receipts"],
        Condition: { StringEquals: { "events:source": "stackyard.consumer", ...OF_ACCOUNTS } },
      },
    });
    expect(ofOrganization.resources).not.toHaveProperty("ReceiptsOfAccounts");
    expect(toJson(propertiesOf("ReceiptsOfOrganization", ofOrganization)["Statement"])).toMatchObject({
      Condition: { StringEquals: { "aws:PrincipalOrgID": "o-a1b2c3d4e5", "events:source": "stackyard.consumer" } },
    });
  });

  it("may read artifacts, unless all transfers use URLs", () => {
    const policy = (Transfer: string) => {
      const of = deploy("distributor", { ...DISTRIBUTOR_APP, Transfer });
      return statementsOf(propertiesOf("SourceBucketPolicy", of)["PolicyDocument"]);
    };

    expect(policy("auto").slice(1)).toEqual([
      {
        Sid: "ReadAccounts",
        Effect: "Allow",
        // S3 counts the account of a principal not among the conditions that make a policy not public.
        Principal: { AWS: OF_ACCOUNTS["aws:PrincipalAccount"] },
        Action: ["s3:GetObject", "s3:GetObjectVersion"],
        Resource: [`arn:aws:s3:::${BUCKET}/*`],
      },
    ]);
    expect(policy("presigned")).toEqual([expect.objectContaining({ Sid: "TlsOnly", Effect: "Deny" })]);
  });
});

describe("what artifacts are read from", () => {
  const whole = `arn:aws:s3:::${BUCKET}/*`;
  const under = (prefix: string) => `arn:aws:s3:::${BUCKET}/${prefix}*`;

  it.each([
    ["the whole bucket", "", "", [whole]],
    ["the whole bucket, since artifacts may lie anywhere", "", "uploads/", [whole, under("uploads/")]],
    ["what has its prefix", "artifacts/", "", [under("artifacts/")]],
    ["what has its prefix or that of uploads", "artifacts/", "uploads/", [under("artifacts/"), under("uploads/")]],
    ["the whole bucket, since uploads may lie anywhere", "artifacts/", "/", [under("artifacts/"), whole]],
  ])("is %s, for consumers as for URLs", (_what, ArtifactPrefix, UploadPrefix, resources) => {
    const of = deploy("distributor", { ...DISTRIBUTOR_APP, ArtifactPrefix, UploadPrefix });
    const [, read] = statementsOf(propertiesOf("SourceBucketPolicy", of)["PolicyDocument"]).map(toJson);

    expect(read).toMatchObject({ Sid: "ReadAccounts", Resource: resources });
    expect(listPairs(findGrants(of, "SignerRole")).filter((pair) => pair.startsWith("s3:GetObject "))).toEqual(
      resources.map((resource) => `s3:GetObject ${resource}`).toSorted(),
    );
  });
});

describe("the bucket of artifacts", () => {
  it("has versions, is closed, notifies EventBridge, and removes incomplete uploads", () => {
    expect(propertiesOf("SourceBucket")).toMatchObject({
      BucketName: BUCKET,
      VersioningConfiguration: { Status: "Enabled" },
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
      LifecycleConfiguration: {
        Rules: [{ Status: "Enabled", AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } }],
      },
    });
    expect(Object.values(toJson(propertiesOf("SourceBucket")["PublicAccessBlockConfiguration"]))).toEqual([
      ...[true, true, true, true],
    ]);
  });

  it("is not called as a consumer's, which would take it over in the distributor's own account", () => {
    expect(BUCKET.startsWith("stackyard-artifacts-")).toBe(false);
  });
});

describe("the function", () => {
  it("is called for manifests, for receipts and every five minutes", () => {
    const rule = (id: string, of = made) => propertiesOf(`Events${id}Rule`, of);

    expect(rule("Published")["EventPattern"]).toEqual({
      source: ["aws.s3"],
      "detail-type": ["Object Created"],
      detail: { bucket: { name: [BUCKET] }, object: { key: [{ suffix: "/manifest.json" }] } },
    });
    expect(rule("Published", full)["EventPattern"]).toMatchObject({
      detail: { object: { key: [{ suffix: "/manifest.json" }, { prefix: "uploads/" }] } },
    });
    const everywhere = deploy("distributor", { ...FULL_DISTRIBUTOR_APP, UploadPrefix: "/" });
    expect(rule("Published", everywhere)["EventPattern"]).toMatchObject({
      detail: { object: { key: [{ suffix: "/manifest.json" }, { prefix: "" }] } },
    });
    expect(rule("Received")).toMatchObject({
      EventBusName: "stackyard-receipts",
      EventPattern: { source: ["stackyard.consumer"] },
    });
    expect(rule("Sweep")["ScheduleExpression"]).toBe("rate(5 minutes)");
  });

  it("gives up an event after three attempts, and keeps it", () => {
    expect(propertiesOf("Retries")).toMatchObject({
      MaximumRetryAttempts: 2,
      DestinationConfig: { OnFailure: { Destination: "arn:aws:sqs:eu-west-1:111122223333:FailuresQueue" } },
    });
  });

  it("signs by a role that it alone may take, and that reads artifacts and nothing else", () => {
    expect(statementsOf(propertiesOf("SignerRole")["AssumeRolePolicyDocument"])).toMatchObject([
      { Principal: { AWS: "arn:aws:iam::111122223333:role/DistributorRole" }, Action: "sts:AssumeRole" },
    ]);
    // Roles are the whole account's: another region may have a distributor too.
    expect(propertiesOf("SignerRole")["RoleName"]).toBe("stackyard-distributor-signer-eu-west-1");
    expect(listPairs(findGrants(made, "SignerRole"))).toEqual(
      ["GetObject", "GetObjectVersion"].map((call) => `s3:${call} arn:aws:s3:::${BUCKET}/*`),
    );
  });

  it("may do this, and changes nothing but manifests, and artifacts if they are not kept forever", () => {
    const table = "arn:aws:dynamodb:eu-west-1:111122223333:table/stackyard-distributor";
    const pairs = listPairs(findGrants(made, "DistributorRole"));

    expect(pairs.filter((pair) => !pair.startsWith("logs:"))).toEqual([
      ...["DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"].map((call) => `dynamodb:${call} ${table}`),
      "events:PutEvents arn:aws:events:eu-west-1:111122223333:event-bus/default",
      ...["GetObject", "GetObjectVersion"].map((call) => `s3:${call} arn:aws:s3:::${BUCKET}/*`),
      `s3:ListBucket arn:aws:s3:::${BUCKET}`,
      `s3:PutObject arn:aws:s3:::${BUCKET}/*`,
      `sns:ListSubscriptionsByTopic ${TOPIC}`,
      `sns:Publish ${TOPIC}`,
      "sns:Unsubscribe *",
      "sqs:SendMessage arn:aws:sqs:eu-west-1:111122223333:FailuresQueue",
      `states:StartExecution ${MACHINE}`,
      "sts:AssumeRole arn:aws:iam::111122223333:role/stackyard-distributor-signer-eu-west-1",
    ]);
    const ofMembers = listPairs(findGrants(full, "DistributorRole")).filter((pair) =>
      /organizations:|find-/.test(pair),
    );
    expect(ofMembers).toEqual([
      "organizations:DescribeAccount *",
      `sts:AssumeRole ${FULL_DISTRIBUTOR_APP.OrganizationRoleArn}`,
    ]);
    const changes = listPairs(findGrants(full, "DistributorRole")).filter((pair) => /^s3:(Put|Delete)/.test(pair));
    const source = `arn:aws:s3:::${FULL_DISTRIBUTOR_APP.ExistingSourceBucket}`;
    expect(changes).toEqual([
      ...["artifacts", "uploads"].map((prefix) => `s3:DeleteObject ${source}/${prefix}/*`),
      ...["artifacts", "uploads"].map((prefix) => `s3:DeleteObjectVersion ${source}/${prefix}/*`),
      `s3:PutObject ${source}/artifacts/*`,
    ]);
  });

  it("works initial sets by the state machine that they are tested with", () => {
    const { Definition, DefinitionSubstitutions } = propertiesOf("InitialSetMachine");

    // biome-ignore lint/suspicious/noTemplateCurlyInString: as Step Functions reads it.
    expect(Definition).toEqual(toInitialSetDefinition("${FunctionArn}"));
    expect(DefinitionSubstitutions).toEqual({
      FunctionArn: "arn:aws:lambda:eu-west-1:111122223333:function:stackyard-distributor",
    });
  });
});

describe("the bus of receipts", () => {
  // Of all regions only us-gov-west-1 has no `Description` in its schema of a bus, and what a schema has not is refused.
  it("says nothing that a region does not take", () => {
    expect(propertiesOf("ReceiptBus")).toEqual({ Name: "stackyard-receipts" });
  });
});

describe("the template of a roll-out", () => {
  const set = (parameters: Readonly<Record<string, string>>) =>
    propertiesOf("Consumers", deploy("consumers-rollout", parameters));

  it("brings consumers into units of an organisation, and into accounts that join them", () => {
    expect(set(ROLLOUT_APP)).toMatchObject({
      PermissionModel: "SERVICE_MANAGED",
      CallAs: "SELF",
      Capabilities: ["CAPABILITY_IAM"],
      TemplateURL: ROLLOUT_APP.ConsumerTemplateUrl,
      AutoDeployment: { Enabled: "true", RetainStacksOnAccountRemoval: false },
      ManagedExecution: { Active: true },
      OperationPreferences: {
        FailureTolerancePercentage: "10",
        MaxConcurrentPercentage: "25",
        RegionConcurrencyType: "PARALLEL",
      },
      StackInstancesGroup: [
        {
          DeploymentTargets: { OrganizationalUnitIds: ["ou-ab12-cd34ef56", "ou-ab12-cd34ef57"] },
          Regions: ["eu-west-1", "us-east-1"],
        },
      ],
    });
  });

  it("sets the retention of stacks only with auto-deployment, without which StackSets reject it", () => {
    expect(set({ ...ROLLOUT_APP, AutoDeployment: "false" })["AutoDeployment"]).toEqual({ Enabled: "false" });
  });

  it("deploys them into named accounts without an organization", () => {
    const made = set(FULL_ROLLOUT_APP);

    expect(made).not.toHaveProperty("AutoDeployment");
    expect(made).not.toHaveProperty("CallAs");
    expect(made["StackInstancesGroup"]).toMatchObject([
      { DeploymentTargets: { Accounts: ["111122223333", "444455556666"] } },
    ]);
  });

  it("passes on the distributor's outputs, and sets only parameters that the consumer has", () => {
    const { Parameters } = set(ROLLOUT_APP);
    const given = Array.isArray(Parameters) ? Parameters.map(toJson) : [];
    const known: readonly string[] = PARAMETERS_OF.consumer;

    expect(given).toContainEqual({
      ParameterKey: "DistributionTopic",
      ParameterValue: DISTRIBUTOR_OUTPUTS.DistributionTopic,
    });
    expect(given.filter(({ ParameterKey }) => !known.includes(String(ParameterKey)))).toEqual([]);
  });
});
