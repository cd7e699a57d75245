import type { Call } from "./find-grants.ts";
import { toJson } from "./resolve-template.ts";

/** A call as the simulated AWS has logged it. */
export interface SimulatedCall {
  readonly operation: string;
  readonly region: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Facts about named resources that only AWS has. */
export interface SimulatedFacts {
  readonly account: string;
  /** Roles of a task definition, by its ARN. */
  readonly rolesOf?: (taskDefinitionArn: string) => readonly string[];
  /** Returns the tags of an instance or a task, by its id or ARN. */
  readonly tagsOf?: (id: string) => Readonly<Record<string, string>>;
}

type Judge = (call: SimulatedCall, facts: SimulatedFacts) => readonly Call[];

/** The prefixes of actions, by the names of clients. */
const PREFIXES: Readonly<Record<string, string>> = {
  ECS: "ecs",
  EC2: "ec2",
  SSM: "ssm",
  S3: "s3",
  SFN: "states",
  CodePipeline: "codepipeline",
  CloudWatch: "cloudwatch",
  CloudWatchLogs: "logs",
  CloudFormation: "cloudformation",
  AutoScaling: "autoscaling",
  ElasticLoadBalancingV2: "elasticloadbalancing",
};

/** How IAM evaluates calls for which it checks more than the action: the service authorization reference of each service. */
const JUDGES: Readonly<Record<string, Judge>> = {
  "ECS.RunTask": toStartCalls,
  "ECS.StartTask": toStartCalls,
  "ECS.StopTask": inCluster,
  "ECS.DescribeTasks": inCluster,
  "ECS.ListTasks": inCluster,
  "ECS.TagResource": ({ input }, { tagsOf }) => {
    const resource = String(input["resourceArn"]);
    const tags = Object.entries(tagsOf?.(resource) ?? {}).map(([key, value]) => [`aws:ResourceTag/${key}`, value]);
    return [{ action: "ecs:TagResource", resource, context: Object.fromEntries(tags) }];
  },
  "CloudWatchLogs.GetLogEvents": ({ region, input }, { account }) => {
    const stream = `log-group:${input["logGroupName"]}:log-stream:${input["logStreamName"]}`;
    return [{ action: "logs:GetLogEvents", resource: `arn:aws:logs:${region}:${account}:${stream}` }];
  },
  "CloudFormation.DescribeStacks": ({ input }) => [
    { action: "cloudformation:DescribeStacks", resource: String(input["StackName"]) },
  ],
  "Lambda.Invoke": ({ region, input }, { account }) => {
    const name = String(input["FunctionName"]);
    const resource = name.startsWith("arn:") ? name : `arn:aws:lambda:${region}:${account}:function:${name}`;
    return [{ action: "lambda:InvokeFunction", resource }];
  },
  "SFN.StartExecution": ({ input }) => [
    { action: "states:StartExecution", resource: String(input["stateMachineArn"]) },
  ],
  "SFN.DescribeExecution": ({ input }) => [
    { action: "states:DescribeExecution", resource: String(input["executionArn"]) },
  ],
  "SSM.SendCommand": toCommandCalls,
  "AutoScaling.CompleteLifecycleAction": inGroup,
  "AutoScaling.RecordLifecycleActionHeartbeat": inGroup,
  "S3.GetObject": toObjectCalls,
  "S3.HeadObject": toObjectCalls,
  "S3.ListObjectsV2": ({ input }) => [
    {
      action: "s3:ListBucket",
      resource: `arn:aws:s3:::${input["Bucket"]}`,
      context: { "s3:prefix": String(input["Prefix"] ?? "") },
    },
  ],
};

/** Converts a simulated call to calls in policies: one may need several permissions. */
export function toIamCalls(call: SimulatedCall, facts: SimulatedFacts): readonly Call[] {
  const judge = JUDGES[call.operation];
  if (judge !== undefined) return judge(call, facts);
  const [service = "", name = ""] = call.operation.split(".");
  const prefix = PREFIXES[service];
  if (prefix === undefined) throw new TypeError(`Unsupported operation ${call.operation}.`);
  return [{ action: `${prefix}:${name}`, resource: "*" }];
}

function toStartCalls(call: SimulatedCall, facts: SimulatedFacts): readonly Call[] {
  const [, action = ""] = call.operation.split(".");
  const definition = String(call.input["taskDefinition"]);
  const tasks = `arn:aws:ecs:${call.region}:${facts.account}:task/web/0123456789abcdef0123456789abcdef`;
  const passed = (facts.rolesOf?.(definition) ?? []).map((resource) => ({
    action: "iam:PassRole",
    resource,
    context: { "iam:PassedToService": "ecs-tasks.amazonaws.com" },
  }));
  const tagged = { action: "ecs:TagResource", resource: tasks, context: { "ecs:CreateAction": action } };
  return [
    { action: `ecs:${action}`, resource: definition, context: toClusterContext(call, facts) },
    ...(Array.isArray(call.input["tags"]) ? [tagged] : []),
    ...passed,
  ];
}

function inCluster(call: SimulatedCall, facts: SimulatedFacts): readonly Call[] {
  const action = `ecs:${call.operation.split(".")[1]}`;
  return [{ action, resource: String(call.input["task"] ?? "*"), context: toClusterContext(call, facts) }];
}

function toClusterContext({ input, region }: SimulatedCall, { account }: SimulatedFacts) {
  const cluster = String(input["cluster"]);
  const arn = cluster.startsWith("arn:") ? cluster : `arn:aws:ecs:${region}:${account}:cluster/${cluster}`;
  return { "ecs:cluster": arn };
}

/**
 * Returns the calls of a command: for the document, and each instance by its tags. With targets it is every matching
 * instance.
 */
function toCommandCalls({ input, region }: SimulatedCall, { account, tagsOf }: SimulatedFacts): readonly Call[] {
  const action = "ssm:SendCommand";
  const name = String(input["DocumentName"]);
  const owner = name.startsWith("AWS-") ? "" : account;
  const ids = Array.isArray(input["InstanceIds"]) ? input["InstanceIds"].map(String) : [];
  const nodes = ids.map((id): Call => {
    const tags = Object.entries(tagsOf?.(id) ?? {}).map(([key, value]) => [`ssm:resourceTag/${key}`, value]);
    return { action, resource: `arn:aws:ec2:${region}:${account}:instance/${id}`, context: Object.fromEntries(tags) };
  });
  return [{ action, resource: `arn:aws:ssm:${region}:${owner}:document/${name}` }, ...nodes];
}

function inGroup({ operation, input, region }: SimulatedCall, { account }: SimulatedFacts): readonly Call[] {
  const group = `autoScalingGroup:0b1c:autoScalingGroupName/${input["AutoScalingGroupName"]}`;
  const action = `autoscaling:${operation.split(".")[1]}`;
  return [{ action, resource: `arn:aws:autoscaling:${region}:${account}:${group}` }];
}

function toObjectCalls({ input }: SimulatedCall): readonly Call[] {
  const { Bucket, Key, VersionId } = toJson(input);
  const action = VersionId === undefined ? "s3:GetObject" : "s3:GetObjectVersion";
  return [{ action, resource: `arn:aws:s3:::${Bucket}/${Key}` }];
}
