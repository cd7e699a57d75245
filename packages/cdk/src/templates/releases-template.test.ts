import { toReleaseStateMachine } from "@stackyard/executor-asg/releases";
import { describe, expect, it } from "vitest";
import { FULL_RELEASES_ACCOUNT, FULL_RELEASES_APP, RELEASES_ACCOUNT, RELEASES_APP } from "../testing/a-releases-app.ts";
import { findGrants, listPairs } from "../testing/find-grants.ts";
import { listBodies } from "../testing/find-template.ts";
import { resolveTemplate } from "../testing/resolve-template.ts";

const bodies = listBodies();
const deploy = (name: string, parameters: Readonly<Record<string, string>>) =>
  resolveTemplate(JSON.parse(bodies.get(name) ?? "{}"), parameters);
const FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:stackyard-releases";

describe("the template of releases", () => {
  const { resources, outputs } = deploy("releases", RELEASES_APP);

  it("makes a function, its memory and the state machine", () => {
    expect(Object.entries(resources).map(([id, { type }]) => [id, type])).toEqual([
      ["ReleaseBucket", "AWS::S3::Bucket"],
      ["ReleaseBucketPolicy", "AWS::S3::BucketPolicy"],
      ["LockTable", "AWS::DynamoDB::Table"],
      ["ReleasesLogs", "AWS::Logs::LogGroup"],
      ["ReleasesRole", "AWS::IAM::Role"],
      ["ReleasesFunction", "AWS::Lambda::Function"],
      ["ReleasesStatesRole", "AWS::IAM::Role"],
      ["ReleasesStateMachine", "AWS::StepFunctions::StateMachine"],
      ["AlarmReleasesThrottled", "AWS::CloudWatch::Alarm"],
      ["AlarmReleasesFails", "AWS::CloudWatch::Alarm"],
    ]);
  });

  it("returns what clients of releases must know, and the role of an account", () => {
    expect(outputs).toEqual({
      ReleasesFunctionName: "stackyard-releases",
      DeployerRoleArn: "arn:aws:iam::111122223333:role/ReleasesRole",
      ReleasesStateMachineArn: "arn:aws:states:eu-west-1:111122223333:stateMachine:stackyard-releases",
      ReleasesBucketName: "stackyard-releases-111122223333",
      ReleasesLockTableName: "stackyard-releases-locks",
    });
  });

  it("keeps the bucket closed, with versions, and denies access without TLS", () => {
    const { VersioningConfiguration, PublicAccessBlockConfiguration } = resources["ReleaseBucket"]?.properties ?? {};

    expect(VersioningConfiguration).toEqual({ Status: "Enabled" });
    expect(Object.values(Object(PublicAccessBlockConfiguration))).toEqual([true, true, true, true]);
    expect(resources["ReleaseBucket"]?.properties).not.toHaveProperty("BucketEncryption");
    expect(resources["ReleaseBucketPolicy"]?.properties["PolicyDocument"]).toMatchObject({
      Statement: [
        {
          Effect: "Deny",
          Principal: "*",
          Action: "s3:*",
          Condition: { Bool: { "aws:SecureTransport": "false" } },
          Resource: ["arn:aws:s3:::stackyard-releases-111122223333", "arn:aws:s3:::stackyard-releases-111122223333/*"],
        },
      ],
    });
  });

  it("encrypts by the customer's key where there is one", () => {
    const { ReleaseKeyArn } = FULL_RELEASES_APP;
    const made = deploy("releases", { ...RELEASES_APP, ReleaseKeyArn });

    expect(made.resources["ReleaseBucket"]?.properties["BucketEncryption"]).toEqual({
      ServerSideEncryptionConfiguration: [
        {
          ServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: ReleaseKeyArn },
          BucketKeyEnabled: true,
        },
      ],
    });
    expect(listPairs(findGrants(made, "ReleasesRole"))).toContain(`kms:Decrypt ${ReleaseKeyArn}`);
  });

  it("has the predecessor's table", () => {
    expect(resources["LockTable"]?.properties).toMatchObject({
      TableName: "stackyard-releases-locks",
      KeySchema: [{ AttributeName: "key", KeyType: "HASH" }],
    });
  });

  it("configures the function with all resources, and does not let it call itself", () => {
    const { Environment, Timeout, RecursiveLoop } = resources["ReleasesFunction"]?.properties ?? {};

    expect(Environment).toEqual({
      Variables: {
        ACCOUNT_ID: "111122223333",
        RELEASES_PRESET: "stackyard",
        BUCKET: "stackyard-releases-111122223333",
        LOCK_TABLE: "stackyard-releases-locks",
        ASSUMED_ROLE: "stackyard-releases-assumed",
        SESSION_TAGS: "true",
        LOG_LEVEL: "info",
        STACKYARD_S3_ENCRYPTION: "",
      },
    });
    expect([Timeout, RecursiveLoop]).toEqual([300, "Terminate"]);
  });

  it("waits by the state machine that releases are tested with, which calls the function and nothing else", () => {
    const { Definition, DefinitionSubstitutions } = resources["ReleasesStateMachine"]?.properties ?? {};

    // biome-ignore lint/suspicious/noTemplateCurlyInString: as Step Functions reads it.
    const functionArn = "${FunctionArn}";
    expect(Definition).toEqual(toReleaseStateMachine({ functionArn, retryInvocations: true }));
    expect(DefinitionSubstitutions).toEqual({ FunctionArn: FUNCTION });
    expect(listPairs(findGrants({ resources, outputs }, "ReleasesStatesRole"))).toEqual([
      `lambda:InvokeFunction ${FUNCTION}`,
    ]);
  });

  it.each([
    ["odin", "coinbase-odin", "odin"],
    ["step-asg-deployer", "coinbase-step-asg-deployer", "step-asg-deployer"],
  ] as const)("calls everything as %s did", (ReleasesPreset, name, generation) => {
    const made = deploy("releases", { ...RELEASES_APP, ReleasesPreset }).resources;

    const { FunctionName, Environment } = made["ReleasesFunction"]?.properties ?? {};
    expect(FunctionName).toBe(name);
    expect(Environment).toMatchObject({
      Variables: {
        RELEASES_PRESET: ReleasesPreset,
        BUCKET: `${name}-111122223333`,
        LOCK_TABLE: `${name}-locks`,
        ASSUMED_ROLE: `${name}-assumed`,
      },
    });
    const { StateMachineName, Definition } = made["ReleasesStateMachine"]?.properties ?? {};
    expect(StateMachineName).toBe(name);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as Step Functions reads it.
    const functionArn = "${FunctionArn}";
    expect(Definition).toEqual(toReleaseStateMachine({ functionArn, generation, retryInvocations: true }));
  });

  it("makes no bucket and no table where there are some", () => {
    const made = deploy("releases", FULL_RELEASES_APP);

    expect(Object.values(made.resources).map(({ type }) => type)).not.toContain("AWS::S3::Bucket");
    expect(Object.values(made.resources).map(({ type }) => type)).not.toContain("AWS::DynamoDB::Table");
    expect(made.resources["ReleasesFunction"]?.properties["Environment"]).toMatchObject({
      Variables: {
        BUCKET: "coinbase-odin-111122223333",
        LOCK_TABLE: "coinbase-odin-locks",
        ASSUMED_ROLE: "deployer",
        EXTERNAL_ID: "yard-blue",
        SESSION_TAGS: "false",
      },
    });
  });
});

describe("the role of the function", () => {
  it("reads documents, writes locks and halts, and assumes one role in each account", () => {
    const bucket = "arn:aws:s3:::stackyard-releases-111122223333";
    const table = "arn:aws:dynamodb:eu-west-1:111122223333:table/stackyard-releases-locks";
    const role = "arn:aws:iam::*:role/stackyard-releases-assumed";
    const pairs = listPairs(findGrants(deploy("releases", RELEASES_APP), "ReleasesRole"));

    expect(pairs.filter((pair) => !pair.startsWith("logs:"))).toEqual([
      ...["DeleteItem", "PutItem"].map((action) => `dynamodb:${action} ${table}`),
      ...["halt", "lock", "lock-token"].map((name) => `s3:DeleteObject ${bucket}/*/${name}`),
      ...[`s3:GetObject ${bucket}/*`, `s3:ListBucket ${bucket}`],
      ...["halt", "lock", "lock-token"].map((name) => `s3:PutObject ${bucket}/*/${name}`),
      ...[`sts:AssumeRole ${role}`, `sts:TagSession ${role}`],
    ]);
  });
});

describe("the template of an account", () => {
  const made = deploy("releases-account", RELEASES_ACCOUNT);
  const { RoleName, AssumeRolePolicyDocument } = made.resources["ReleasesRole"]?.properties ?? {};

  it("creates one role, which trusts only the deployer", () => {
    const Principal = { AWS: RELEASES_ACCOUNT.DeployerRoleArn };
    const ours = { "ForAllValues:StringEquals": { "aws:TagKeys": ["ProjectName", "ConfigName", "ReleaseID"] } };

    expect(Object.keys(made.resources)).toEqual(["ReleasesRole"]);
    expect(RoleName).toBe("stackyard-releases-assumed");
    expect(AssumeRolePolicyDocument).toEqual({
      Version: "2012-10-17",
      Statement: [
        { Sid: "Take", Effect: "Allow", Principal, Action: "sts:AssumeRole" },
        { Sid: "Tag", Effect: "Allow", Principal, Action: "sts:TagSession", Condition: ours },
      ],
    });
  });

  it("requires an external id if one is set", () => {
    const { properties = {} } = deploy("releases-account", FULL_RELEASES_ACCOUNT).resources["ReleasesRole"] ?? {};

    expect(properties["RoleName"]).toBe("deployer");
    expect(properties["AssumeRolePolicyDocument"]).toMatchObject({
      Statement: [{ Condition: { StringEquals: { "sts:ExternalId": "yard-blue" } } }, {}],
    });
  });

  it("has a policy for each state", () => {
    const policies = new Set(findGrants(made, "ReleasesRole").map(({ policy }) => policy));

    expect([...policies]).toEqual(["ValidateResources", "Deploy", "CheckHealthy", "Detach", "CleanUp"]);
  });

  it.each([
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as IAM reads it.
    [RELEASES_ACCOUNT, "${aws:PrincipalTag/ProjectName}", "${aws:PrincipalTag/ConfigName}"],
    [FULL_RELEASES_ACCOUNT, "*", "*"],
  ])("touches groups of one project-config only, if sessions are tagged", (parameters, project, config) => {
    const grants = findGrants(deploy("releases-account", parameters), "ReleasesRole");
    const changes = /:(Create|Update|Delete|Put|Detach|Enable)/;
    const ofGroups = grants.filter(({ actions, resources }) => {
      return actions.some((action) => changes.test(action)) && resources.some((each) => /autoScalingGroup/.test(each));
    });

    expect(ofGroups.length).toBeGreaterThan(5);
    for (const { sid, conditions } of ofGroups) {
      const tag = sid === "CreateGroups" ? "aws:RequestTag" : "aws:ResourceTag";
      expect(conditions).toEqual({
        StringLike: { [`${tag}/ProjectName`]: project, [`${tag}/ConfigName`]: config },
      });
    }
  });

  it.each([
    ["odin", "/odin/"],
    ["step-asg-deployer", "/"],
    ["stackyard", "/stackyard/"],
  ])("hands on roles under the path of %s only, and to EC2 and Auto Scaling only", (ReleasesPreset, root) => {
    const grants = findGrants(deploy("releases-account", { ...RELEASES_ACCOUNT, ReleasesPreset }), "ReleasesRole");

    expect(grants.find(({ sid }) => sid === "HandOnRoles")).toMatchObject({
      resources: [`arn:aws:iam::111122223333:role${root}*`],
      // Both names of EC2 are needed in the China regions [karpenter-provider-aws#6843].
      conditions: {
        StringEquals: {
          "iam:PassedToService": ["ec2.amazonaws.com", "ec2.amazonaws.com.cn", "autoscaling.amazonaws.com"],
        },
      },
    });
  });

  it("hands on those roles that are named, if any are", () => {
    const grants = findGrants(deploy("releases-account", FULL_RELEASES_ACCOUNT), "ReleasesRole");

    expect(grants.find(({ sid }) => sid === "HandOnRoles")?.resources).toEqual([
      ...["arn:aws:iam::111122223333:role/web", "arn:aws:iam::111122223333:role/hooks"],
    ]);
  });

  it("allows no service as a whole, and has only read access to everything", () => {
    const pairs = listPairs(findGrants(made, "ReleasesRole"));

    expect(pairs.filter((pair) => /^\S*\*/.test(pair))).toEqual([]);
    expect(pairs.filter((pair) => pair.endsWith(" *") && !/:Describe/.test(pair))).toEqual([]);
  });

  it("limits what has no tags to the names of the session's project and config", () => {
    const grants = findGrants(made, "ReleasesRole");
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as IAM reads it.
    const own = "${aws:PrincipalTag/ProjectName}-${aws:PrincipalTag/ConfigName}-*";

    expect(grants.find(({ sid }) => sid === "DeleteAlarms")?.resources).toEqual([
      `arn:aws:cloudwatch:*:111122223333:alarm:${own}`,
    ]);
    expect(grants.find(({ sid }) => sid === "DeleteConfigurations")?.resources).toEqual([
      `arn:aws:autoscaling:*:111122223333:launchConfiguration:*:launchConfigurationName/${own}`,
    ]);
    expect(grants.find(({ sid }) => sid === "LaunchTemplate")?.conditions).toHaveProperty("StringLike");
  });
});
