import type { LoggedCall } from "@stackyard/aws-sim";
import type { Call } from "./find-grants.ts";
import { ACCOUNT, REGION, toJson } from "./resolve-template.ts";

type Tags = Readonly<Record<string, string>>;

/** Facts about named resources that only AWS has: their tags, by name. */
interface Known {
  readonly tagsOf: (name: string) => Tags;
}

type Judge = (call: LoggedCall, known: Known) => readonly Call[];

/** The prefixes of actions, by the names of clients. */
const PREFIXES: Readonly<Record<string, string>> = {
  AutoScaling: "autoscaling",
  EC2: "ec2",
  CloudWatch: "cloudwatch",
  IAM: "iam",
  SNS: "sns",
  S3: "s3",
  STS: "sts",
  ElasticLoadBalancing: "elasticloadbalancing",
  ElasticLoadBalancingV2: "elasticloadbalancing",
};

const inAccount = (service: string, name: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${name}`;
const group = (name: unknown) => inAccount("autoscaling", `autoScalingGroup:0b1c:autoScalingGroupName/${name}`);

/**
 * Calls of the assumed role and of the function as policies name them, in their order. One call may need several permissions.
 * Sources: service authorization references; Auto Scaling user guide, "API permissions".
 */
export function toReleaseCalls(calls: readonly LoggedCall[], standing: Readonly<Record<string, Tags>>) {
  const tags = new Map(Object.entries(standing));
  const known: Known = { tagsOf: (name) => tags.get(name) ?? {} };
  return calls.flatMap((call): readonly Call[] => {
    const { AutoScalingGroupName, LaunchTemplateName } = call.input;
    if (call.operation === "AutoScaling.CreateAutoScalingGroup") tags.set(String(AutoScalingGroupName), tagsIn(call));
    if (call.operation === "EC2.CreateLaunchTemplate") tags.set(String(LaunchTemplateName), tagsIn(call));
    return JUDGES[call.operation]?.(call, known) ?? [{ action: toAction(call), resource: "*" }];
  });
}

const ofGroup: Judge = (call, { tagsOf }) => {
  const name = String(call.input["AutoScalingGroupName"]);
  return [{ action: toAction(call), resource: group(name), context: toContext("aws:ResourceTag", tagsOf(name)) }];
};
const ofObject: Judge = (call) => [
  { action: toAction(call), resource: `arn:aws:s3:::${call.input["Bucket"]}/${call.input["Key"]}` },
];

const JUDGES: Readonly<Record<string, Judge>> = {
  "AutoScaling.CreateAutoScalingGroup": toCreationCalls,
  "AutoScaling.PutScalingPolicy": ofGroup,
  "AutoScaling.EnableMetricsCollection": ofGroup,
  "AutoScaling.UpdateAutoScalingGroup": ofGroup,
  "AutoScaling.DeleteAutoScalingGroup": ofGroup,
  "AutoScaling.DetachLoadBalancers": ofGroup,
  "AutoScaling.DetachLoadBalancerTargetGroups": ofGroup,
  "AutoScaling.CreateOrUpdateTags"(call, known) {
    const [tag] = toList(call.input["Tags"]).map(toJson);
    return ofGroup({ ...call, input: { AutoScalingGroupName: tag?.["ResourceId"] } }, known);
  },
  "AutoScaling.DeleteLaunchConfiguration": (call) => {
    const name = `launchConfiguration:0b1c:launchConfigurationName/${call.input["LaunchConfigurationName"]}`;
    return [{ action: toAction(call), resource: inAccount("autoscaling", name) }];
  },
  "EC2.CreateLaunchTemplate": (call) => toTagCalls(call, "launch-template/lt-0"),
  "EC2.CreatePlacementGroup": (call) => toTagCalls(call, `placement-group/${call.input["GroupName"]}`),
  "EC2.DeleteLaunchTemplate": (call, { tagsOf }) => {
    const context = toContext("aws:ResourceTag", tagsOf(String(call.input["LaunchTemplateName"])));
    return [{ action: toAction(call), resource: inAccount("ec2", "launch-template/lt-0"), context }];
  },
  "EC2.DeletePlacementGroup": (call) => [
    { action: toAction(call), resource: inAccount("ec2", `placement-group/${call.input["GroupName"]}`) },
  ],
  "CloudWatch.PutMetricAlarm": (call) =>
    ["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"].map((action) => ({
      action,
      resource: inAccount("cloudwatch", `alarm:${call.input["AlarmName"]}`),
      context: toContext("aws:RequestTag", tagsIn(call)),
    })),
  "CloudWatch.DeleteAlarms": (call) =>
    toList(call.input["AlarmNames"]).map((name) => {
      return { action: toAction(call), resource: inAccount("cloudwatch", `alarm:${name}`) };
    }),
  "IAM.GetInstanceProfile": (call) => {
    const name = call.input["InstanceProfileName"];
    const path = `/stackyard/org/shop/production/${name}/`;
    return [{ action: toAction(call), resource: `arn:aws:iam::${ACCOUNT}:instance-profile${path}${name}` }];
  },
  "IAM.GetRole": (call) => [
    { action: toAction(call), resource: `arn:aws:iam::${ACCOUNT}:role/${call.input["RoleName"]}` },
  ],
  "SNS.GetTopicAttributes": (call) => [{ action: toAction(call), resource: String(call.input["TopicArn"]) }],
  "S3.GetObject": (call) => [
    ...ofObject(call, { tagsOf: () => ({}) }),
    // S3 reports a missing key as missing only to callers that may list.
    { action: "s3:ListBucket", resource: `arn:aws:s3:::${call.input["Bucket"]}` },
  ],
  "S3.PutObject": ofObject,
  "S3.DeleteObject": ofObject,
  // No permission is needed for it (STS API reference).
  "STS.GetCallerIdentity": () => [],
  "STS.AssumeRole": (call) =>
    ["sts:AssumeRole", ...("Tags" in call.input ? ["sts:TagSession"] : [])].map((action) => {
      return { action, resource: String(call.input["RoleArn"]) };
    }),
};

/**
 * Returns the calls of a creation: Auto Scaling launches by the template, passes the roles, and creates its own role if
 * it is missing.
 */
function toCreationCalls(call: LoggedCall): readonly Call[] {
  const role = (name: string) => `arn:aws:iam::${ACCOUNT}:role${name}`;
  const handOn = (resource: string, service: string) => {
    return { action: "iam:PassRole", resource, context: { "iam:PassedToService": service } };
  };
  const hooks = toList(call.input["LifecycleHookSpecificationList"]).map((hook) => String(toJson(hook)["RoleARN"]));
  return [
    {
      action: toAction(call),
      resource: group(call.input["AutoScalingGroupName"]),
      context: toContext("aws:RequestTag", tagsIn(call)),
    },
    {
      action: "ec2:RunInstances",
      resource: inAccount("ec2", "launch-template/lt-0"),
      context: toContext("aws:ResourceTag", tagsIn(call)),
    },
    {
      action: "ec2:RunInstances",
      resource: inAccount("ec2", "instance/*"),
      context: { "ec2:LaunchTemplate": inAccount("ec2", "launch-template/lt-0") },
    },
    handOn(role("/stackyard/org/shop/production/web/web"), "ec2.amazonaws.com"),
    ...hooks.map((arn) => handOn(arn, "autoscaling.amazonaws.com")),
    {
      action: "iam:CreateServiceLinkedRole",
      resource: role("/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"),
      context: { "iam:AWSServiceName": "autoscaling.amazonaws.com" },
    },
  ];
}

function toTagCalls(call: LoggedCall, name: string): readonly Call[] {
  const resource = inAccount("ec2", name);
  const [, operation = ""] = call.operation.split(".");
  return [
    { action: toAction(call), resource, context: toContext("aws:RequestTag", tagsIn(call)) },
    { action: "ec2:CreateTags", resource, context: { "ec2:CreateAction": operation } },
  ];
}

function toAction({ operation }: LoggedCall): string {
  const [service = "", name = ""] = operation.split(".");
  const prefix = PREFIXES[service];
  if (prefix === undefined) throw new TypeError(`Unsupported operation ${operation}.`);
  return `${prefix}:${name}`;
}

/** Returns the tags in a call, in the format of Auto Scaling and CloudWatch, or of EC2. */
function tagsIn({ input }: LoggedCall): Tags {
  const specifications = toList(input["TagSpecifications"]).flatMap((each) => toList(toJson(each)["Tags"]));
  const pairs = [...toList(input["Tags"]), ...specifications].map(toJson);
  return Object.fromEntries(pairs.map(({ Key, Value }) => [String(Key), String(Value)]));
}

function toContext(key: string, tags: Tags): Tags {
  return Object.fromEntries(Object.entries(tags).map(([name, value]) => [`${key}/${name}`, value]));
}

function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
