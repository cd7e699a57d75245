import { App, Stack } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { describe, expect, it } from "vitest";
import { findGrants, listPairs } from "../testing/find-grants.ts";
import { resolveTemplate } from "../testing/resolve-template.ts";
import { Releases, type ReleasesProps, toReleaseNames } from "./releases.ts";
import { ReleasesAccount, type ReleasesAccountProps } from "./releases-account.ts";

const KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const DEPLOYER = "arn:aws:iam::999900001111:role/deployer";

/** What a program's stack comes to, by the types of its resources. */
function synthesize(add: (stack: Stack) => void) {
  const app = new App({ analyticsReporting: false, builtinCloudFormationValidation: false });
  const stack = new Stack(app, "releases");
  add(stack);
  const resolved = resolveTemplate(app.synth().getStackByName("releases").template, {
    BootstrapVersion: "/cdk-bootstrap/hnb659fds/version",
  });
  const idOf = (type: string) => Object.keys(resolved.resources).find((id) => resolved.resources[id]?.type === type);
  const find = (type: string) => resolved.resources[idOf(type) ?? ""]?.properties;
  return { resolved, find, idOf };
}

function makeDeployer(props: Partial<ReleasesProps> = {}) {
  return synthesize((stack) => {
    new Releases(stack, "Releases", { code: Code.fromInline("exports.handler = () => {}"), ...props });
  });
}

function makeAccount(props: Partial<ReleasesAccountProps> = {}) {
  const made = synthesize((stack) => {
    new ReleasesAccount(stack, "Releases", { deployerRoleArn: DEPLOYER, ...props });
  });
  return { ...made, grants: findGrants(made.resolved, made.idOf("AWS::IAM::Role") ?? "") };
}

describe("Releases", () => {
  it("are called as Stackyard calls them, unless a preset says otherwise", () => {
    expect(makeDeployer().find("AWS::Lambda::Function")?.["FunctionName"]).toBe("stackyard-releases");
    expect(makeDeployer({ preset: "odin" }).find("AWS::S3::Bucket")?.["BucketName"]).toBe("coinbase-odin-111122223333");
  });

  it("use a bucket and a table that are there", () => {
    const { resolved, find } = makeDeployer({ bucket: "documents", lockTable: "locks" });

    expect(Object.values(resolved.resources).map(({ type }) => type)).not.toContain("AWS::S3::Bucket");
    expect(find("AWS::Lambda::Function")?.["Environment"]).toMatchObject({
      Variables: { BUCKET: "documents", LOCK_TABLE: "locks" },
    });
  });

  it("encrypt by a key outright as under a condition", () => {
    expect(makeDeployer({ keyArn: KEY }).find("AWS::S3::Bucket")?.["BucketEncryption"]).toEqual({
      ServerSideEncryptionConfiguration: [
        {
          ServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: KEY },
          BucketKeyEnabled: true,
        },
      ],
    });
  });
});

describe("ReleasesAccount", () => {
  it("makes the preset's role, which is taken with an external id", () => {
    const { find } = makeAccount({ preset: "step-asg-deployer", externalId: "yard-blue" });

    expect(find("AWS::IAM::Role")).toMatchObject({
      RoleName: "coinbase-step-asg-deployer-assumed",
      AssumeRolePolicyDocument: {
        Statement: [
          { Principal: { AWS: DEPLOYER }, Condition: { StringEquals: { "sts:ExternalId": "yard-blue" } } },
          { Principal: { AWS: DEPLOYER }, Action: "sts:TagSession" },
        ],
      },
    });
  });

  it("may be held to one project outright", () => {
    const { grants } = makeAccount({ project: "org/shop", config: "*" });

    expect(grants.find(({ sid }) => sid === "DeleteGroups")?.conditions).toEqual({
      StringLike: { "aws:ResourceTag/ProjectName": "org/shop", "aws:ResourceTag/ConfigName": "*" },
    });
  });

  it("hands on only roles that are named, where some are", () => {
    const passRoleArns = ["arn:aws:iam::111122223333:role/web"];

    const pairs = listPairs(makeAccount({ passRoleArns }).grants);

    expect(pairs.filter((pair) => pair.startsWith("iam:PassRole"))).toEqual([`iam:PassRole ${passRoleArns[0]}`]);
  });
});

describe("toReleaseNames", () => {
  it.each([
    ["odin", "coinbase-odin-locks", "/odin/"],
    ["step-asg-deployer", "coinbase-step-asg-deployer-locks", "/"],
    ["stackyard", "stackyard-releases-locks", "/stackyard/"],
  ] as const)("knows those of %s", (preset, lockTable, profileRoot) => {
    expect(toReleaseNames(preset)).toMatchObject({ lockTable, profileRoot });
  });
});
