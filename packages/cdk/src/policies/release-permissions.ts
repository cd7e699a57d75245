import { Aws, Fn } from "aws-cdk-lib";
import { type Given, toCfnText } from "../given.ts";
import { allow, type Permission, type Statement, viaService } from "./statement.ts";

/** The rights of releases in an account. */
export interface ReleaseRights {
  /** Root of the paths of instance profiles and their roles, such as `/odin/`. */
  readonly profileRoot: string;
  /** Root of the names of placement groups. */
  readonly placementRoot: string;
  /** Roles of instances and hooks to pass: ARNs. Default: those under the root of profiles. */
  readonly passRoleArns?: readonly string[];
  /** The project of a session: `${aws:PrincipalTag/ProjectName}` if sessions are tagged, else `*`, any tagged one. */
  readonly project: Given<string>;
  /** The same for the config. */
  readonly config: Given<string>;
}

/**
 * Returns the policies of the assumed role, one for each state of a release that is the first to need it. Existing
 * resources are limited to those with the tags of the project-config, and new ones require them. Calls without
 * resources are separate. Sources: service authorization references of Auto Scaling, EC2, CloudWatch and IAM; Auto
 * Scaling user guide, "API permissions".
 */
export function releaseIntoAccount(rights: ReleaseRights): readonly Permission[] {
  return [toValidation(rights), toDeployment(rights), toHealth(rights), toDetachment(rights), toCleanUp(rights)];
}

const inAccount = (service: string, name: string) => `arn:${Aws.PARTITION}:${service}:*:${Aws.ACCOUNT_ID}:${name}`;
const inIam = (name: string) => `arn:${Aws.PARTITION}:iam::${Aws.ACCOUNT_ID}:${name}`;
const GROUPS = inAccount("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*");
const TEMPLATES = inAccount("ec2", "launch-template/*");
const ALARMS = inAccount("cloudwatch", "alarm:*");

/**
 * The services that roles of instances and hooks are passed to. Both names of EC2 are needed in the China regions
 * (aws/karpenter-provider-aws#6843).
 */
const PASSED_TO = ["ec2.amazonaws.com", "ec2.amazonaws.com.cn", "autoscaling.amazonaws.com"];

/** The resources that RunInstances uses besides the launch template (service authorization reference, "Amazon EC2"). */
const LAUNCHED = [
  ...["instance", "volume", "network-interface", "security-group", "subnet", "key-pair", "placement-group"],
  ...["capacity-reservation", "elastic-gpu", "spot-instances-request"],
];

function toValidation({ profileRoot }: ReleaseRights): Permission {
  const actions = [
    ...["autoscaling:DescribeAutoScalingGroups", "ec2:DescribeImages", "ec2:DescribeSubnets"],
    ...["ec2:DescribeSecurityGroups", "ec2:DescribePlacementGroups", "elasticloadbalancing:DescribeLoadBalancers"],
    ...["elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetGroupAttributes"],
    "elasticloadbalancing:DescribeTags",
  ];
  return {
    name: "ValidateResources",
    statements: [
      allow("Look", actions, "*"),
      allow("Profiles", ["iam:GetInstanceProfile"], inIam(`instance-profile${profileRoot}*`)),
      allow("RolesOfHooks", ["iam:GetRole"], inIam("role/*")),
      allow("TopicsOfHooks", ["sns:GetTopicAttributes"], inAccount("sns", "*")),
    ],
  };
}

function toDeployment(rights: ReleaseRights): Permission {
  const { placementRoot, profileRoot } = rights;
  const { passRoleArns = [inIam(`role${profileRoot}*`)] } = rights;
  const placements = inAccount("ec2", `placement-group/${placementRoot}*`);
  const tagActions = { StringEquals: { "ec2:CreateAction": ["CreateLaunchTemplate", "CreatePlacementGroup"] } };
  const services = { StringEquals: { "iam:PassedToService": PASSED_TO } };
  const launches = { ArnLike: { "ec2:LaunchTemplate": TEMPLATES } };
  return {
    name: "Deploy",
    statements: [
      allow("Look", ["ec2:DescribeLaunchTemplates"], "*"),
      withNewTags(rights, allow("CreateGroups", ["autoscaling:CreateAutoScalingGroup"], GROUPS)),
      withTags(
        rights,
        allow("EquipGroups", ["autoscaling:PutScalingPolicy", "autoscaling:EnableMetricsCollection"], GROUPS),
      ),
      withNewTags(rights, allow("CreateTemplates", ["ec2:CreateLaunchTemplate"], TEMPLATES)),
      withNewTags(rights, allow("CreatePlacements", ["ec2:CreatePlacementGroup"], placements)),
      { ...allow("TagWhatIsMade", ["ec2:CreateTags"], [TEMPLATES, placements]), Condition: tagActions },
      withTags(rights, allow("LaunchTemplate", ["ec2:RunInstances"], TEMPLATES)),
      { ...allow("LaunchByTemplate", ["ec2:RunInstances"], toLaunched()), Condition: launches },
      withNewTags(rights, allow("PutAlarms", ["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"], ALARMS)),
      { ...allow("HandOnRoles", ["iam:PassRole"], passRoleArns), Condition: services },
      {
        ...allow(
          "FirstGroupOfAccount",
          ["iam:CreateServiceLinkedRole"],
          inIam("role/aws-service-role/autoscaling.amazonaws.com/*"),
        ),
        Condition: { StringEquals: { "iam:AWSServiceName": "autoscaling.amazonaws.com" } },
      },
    ],
  };
}

function toLaunched(): readonly string[] {
  const ofOthers = ["image", "snapshot"].map((kind) => `arn:${Aws.PARTITION}:ec2:*::${kind}/*`);
  return [...LAUNCHED.map((kind) => inAccount("ec2", `${kind}/*`)), ...ofOthers];
}

function toHealth(rights: ReleaseRights): Permission {
  const actions = [
    ...["autoscaling:DescribeScalingActivities", "elasticloadbalancing:DescribeInstanceHealth"],
    ...["elasticloadbalancing:DescribeTargetHealth", "cloudwatch:DescribeAlarms"],
  ];
  return {
    name: "CheckHealthy",
    statements: [
      allow("Look", actions, "*"),
      withTags(rights, allow("Grow", ["autoscaling:UpdateAutoScalingGroup"], GROUPS)),
    ],
  };
}

function toDetachment(rights: ReleaseRights): Permission {
  const looks = ["autoscaling:DescribeLoadBalancers", "autoscaling:DescribeLoadBalancerTargetGroups"];
  const actions = ["autoscaling:DetachLoadBalancers", "autoscaling:DetachLoadBalancerTargetGroups"];
  return {
    name: "Detach",
    statements: [
      allow("Look", looks, "*"),
      withTags(rights, allow("TakeTraffic", actions, GROUPS)),
      withTags(rights, allow("NoteOnGroups", ["autoscaling:CreateOrUpdateTags"], GROUPS)),
    ],
  };
}

function toCleanUp(rights: ReleaseRights): Permission {
  const looks = [
    ...["autoscaling:DescribePolicies", "autoscaling:DescribeLaunchConfigurations"],
    "autoscaling:DescribeLifecycleHooks",
  ];
  // Resources of predecessors have no tags: their names begin with project and config.
  const names = Fn.join("", [toCfnText(rights.project), "-", toCfnText(rights.config), "-*"]);
  const configurations = Fn.join("", [
    inAccount("autoscaling", "launchConfiguration:*:launchConfigurationName/"),
    names,
  ]);
  const alarms = Fn.join("", [inAccount("cloudwatch", "alarm:"), names]);
  const placements = inAccount("ec2", `placement-group/${rights.placementRoot}*`);
  return {
    name: "CleanUp",
    statements: [
      allow("Look", looks, "*"),
      withTags(rights, allow("DeleteGroups", ["autoscaling:DeleteAutoScalingGroup"], GROUPS)),
      withTags(rights, allow("DeleteTemplates", ["ec2:DeleteLaunchTemplate"], TEMPLATES)),
      allow("DeleteConfigurations", ["autoscaling:DeleteLaunchConfiguration"], configurations),
      allow("DeleteAlarms", ["cloudwatch:DeleteAlarms"], alarms),
      allow("DeletePlacements", ["ec2:DeletePlacementGroup"], placements),
    ],
  };
}

function withTags(rights: ReleaseRights, statement: Statement): Statement {
  return { ...statement, Condition: { StringLike: toTests("aws:ResourceTag", rights) } };
}

function withNewTags(rights: ReleaseRights, statement: Statement): Statement {
  return { ...statement, Condition: { StringLike: toTests("aws:RequestTag", rights) } };
}

function toTests(key: string, { project, config }: ReleaseRights) {
  return { [`${key}/ProjectName`]: toCfnText(project), [`${key}/ConfigName`]: toCfnText(config) };
}

/** The resources that the deployer's function uses. */
export interface ReleaseDeployerRights {
  readonly bucket: string;
  readonly lockTable: string;
  /** The role in each account: its name. */
  readonly assumedRole: string;
}

/**
 * Reads documents, and writes locks and answers to halts; the clients that release write the documents. Without the right to list, S3
 * reports a missing key as forbidden ("GetObject", Permissions). Assumes the role in each account.
 */
export function deployReleases({ bucket, lockTable, assumedRole }: ReleaseDeployerRights): readonly Permission[] {
  const arn = `arn:${Aws.PARTITION}:s3:::${bucket}`;
  const table = `arn:${Aws.PARTITION}:dynamodb:${Aws.REGION}:${Aws.ACCOUNT_ID}:table/${lockTable}`;
  const written = ["lock", "lock-token", "halt"].map((name) => `${arn}/*/${name}`);
  const roles = `arn:${Aws.PARTITION}:iam::*:role/${assumedRole}`;
  return [
    {
      name: "Documents",
      statements: [
        allow("SeeWhatIsMissing", ["s3:ListBucket"], arn),
        allow("Read", ["s3:GetObject"], `${arn}/*`),
        allow("WriteLocksAndHalts", ["s3:PutObject", "s3:DeleteObject"], written),
      ],
    },
    {
      name: "Locks",
      statements: [allow("Items", ["dynamodb:PutItem", "dynamodb:DeleteItem"], table)],
    },
    { name: "Accounts", statements: [allow("TakeRole", ["sts:AssumeRole", "sts:TagSession"], roles)] },
  ];
}

/** Reads and writes objects under the customer managed key, and only through S3. */
export function readEncrypted(keyArn: string): Permission {
  const use = allow("OfObjects", ["kms:Decrypt", "kms:GenerateDataKey"], keyArn);
  return { name: "DocumentsKey", statements: [viaService("s3", use)] };
}

/** Who may release a project-config. */
export interface ReleaseClientRights {
  readonly bucket: string;
  readonly stateMachineArn: string;
  /** The account that releases go to. */
  readonly account: string;
  readonly project: string;
  /** `*`: all of the project. */
  readonly config: string;
}

/**
 * Returns the permissions that a person or a pipeline needs to release a project-config. Both resources are required: the bucket
 * defines the release, and write access to it controls who may release this project-config; the state machine starts it for
 * anyone who may release anything. Locks are not included, because only a running release writes them.
 */
export function allowReleases(rights: ReleaseClientRights): Permission {
  const { bucket, stateMachineArn, account, project, config } = rights;
  const arn = `arn:${Aws.PARTITION}:s3:::${bucket}`;
  const keys = `${arn}/${account}/${project}/${config}`;
  const executions = stateMachineArn.replace(":stateMachine:", ":execution:");
  return {
    name: "Releases",
    statements: [
      allow("PutDocuments", ["s3:PutObject"], [`${keys}/*/release`, `${keys}/*/userdata`]),
      allow("Halt", ["s3:PutObject", "s3:GetObject"], [`${keys}/halt`, `${keys}/*/halt`]),
      // Otherwise S3 reports a missing order as forbidden.
      allow("SeeWhatIsMissing", ["s3:ListBucket"], arn),
      allow("Start", ["states:StartExecution", "states:ListExecutions"], stateMachineArn),
      allow("Watch", ["states:DescribeExecution", "states:GetExecutionHistory"], `${executions}:*`),
    ],
  };
}
