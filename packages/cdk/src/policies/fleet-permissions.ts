import { Aws } from "aws-cdk-lib";
import { type Given, mapGiven } from "../given.ts";
import { allow, type Permission } from "./statement.ts";

/** Which instances a runner may send commands to, and which documents. */
export interface FleetRights {
  /** Tag without which no instance is touched. Default: `has_ssm_agent`. */
  readonly tagKey?: string;
  /** Its values, exactly. Default: `true`, `True`. */
  readonly tagValues?: readonly string[];
  /** Documents besides our own and those of AWS that the profiles name: ARNs. Default: none. */
  readonly documentArns?: Given<readonly string[]>;
  /** Objects of artifacts that runs name without their SHA-256, ARNs with `/*`: the runner reads them once. Default: none. */
  readonly artifactArns?: Given<readonly string[]>;
}

const TAG_KEY = "has_ssm_agent";
const TAG_VALUES = ["true", "True"];
const OWN_DOCUMENT = "Stackyard-ApplyArtifact";
const OF_AWS = ["AWS-RunShellScript", "AWS-RunPatchBaseline"];

/**
 * Allows sending commands with those documents, only to instances with that tag, and reading their results. IAM authorizes the
 * document and each instance, so both are listed. Actions without resource-level permissions are in a separate statement.
 * Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
 */
export function dispatchCommands(rights: FleetRights = {}): readonly Given<Permission>[] {
  const { tagKey = TAG_KEY, tagValues = TAG_VALUES, documentArns, artifactArns } = rights;
  const regional = (service: string, name: string) =>
    `arn:${Aws.PARTITION}:${service}:${Aws.REGION}:${Aws.ACCOUNT_ID}:${name}`;
  const documents = [
    regional("ssm", `document/${OWN_DOCUMENT}`),
    ...OF_AWS.map((name) => `arn:${Aws.PARTITION}:ssm:${Aws.REGION}::document/${name}`),
  ];
  const nodes = [regional("ec2", "instance/*"), regional("ssm", "managed-instance/*")];
  const commands: Permission = {
    name: "Commands",
    statements: [
      allow("SendDocuments", ["ssm:SendCommand"], documents),
      {
        ...allow("ToTaggedInstances", ["ssm:SendCommand"], nodes),
        Condition: { StringEquals: { [`ssm:resourceTag/${tagKey}`]: tagValues } },
      },
      allow("Watch", ["ssm:ListCommands", "ssm:ListCommandInvocations", "ssm:GetCommandInvocation"], "*"),
      allow("Cancel", ["ssm:CancelCommand"], "*"),
      allow("FindInstances", ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"], "*"),
    ],
  };
  return [
    commands,
    ...(documentArns === undefined ? [] : [mapGiven(documentArns, sendDocuments)]),
    ...(artifactArns === undefined ? [] : [mapGiven(artifactArns, readArtifacts)]),
  ];
}

function sendDocuments(arns: readonly string[]): Permission {
  return { name: "MoreDocuments", statements: [allow("SendDocuments", ["ssm:SendCommand"], arns)] };
}

function readArtifacts(arns: readonly string[]): Permission {
  return { name: "Artifacts", statements: [allow("Pin", ["s3:GetObject", "s3:GetObjectVersion"], arns)] };
}

/** Reports jobs of CodePipeline; these calls have no resource-level permissions. */
export function reportJobs(): Permission {
  const actions = ["codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult"];
  return { name: "Jobs", statements: [allow("Report", actions, "*")] };
}

/** Completes the launch hooks of instances that have just started, and extends their timeout. */
export function completeLaunches(groupArns: readonly string[]): Permission {
  const actions = ["autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"];
  return { name: "Launches", statements: [allow("Complete", actions, groupArns)] };
}

/** Reads an instance that has started. */
export function findInstances(): Permission {
  return { name: "Instances", statements: [allow("Find", ["ec2:DescribeInstances"], "*")] };
}
