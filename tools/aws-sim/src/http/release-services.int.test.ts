import * as autoScalingSdk from "@aws-sdk/client-auto-scaling";
import * as cloudWatchSdk from "@aws-sdk/client-cloudwatch";
import * as ec2Sdk from "@aws-sdk/client-ec2";
import * as classicSdk from "@aws-sdk/client-elastic-load-balancing";
import * as loadBalancingSdk from "@aws-sdk/client-elastic-load-balancing-v2";
import * as iamSdk from "@aws-sdk/client-iam";
import * as snsSdk from "@aws-sdk/client-sns";
import * as stsSdk from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectionReset } from "../sim-fault.ts";
import { ACCOUNT, type AWorld, createWorld } from "../testing/a-world.ts";
import { answerReleaseServices } from "./answer-release-services.ts";
import { type FrontDoor, openFrontDoor } from "./front-door.ts";

/** One request of a story, and what it is answered. */
interface ReleaseStep {
  /** As the SDK names the client, without `Client`. */
  readonly service: string;
  readonly operation: string;
  readonly input: object;
  /** Time that passes before. Default: none. */
  readonly afterMs?: number;
  /** What the answer has at least; of an error its `name`, `message` and `status`. */
  readonly gives?: object;
}

/** Receives the output of the story. */
const PLACE = { account: ACCOUNT, region: "eu-west-1" } as const;

/** Steps of one service. */
function createSteps(service: string) {
  return (operation: string, input: object = {}, more: Pick<ReleaseStep, "afterMs" | "gives"> = {}): ReleaseStep => ({
    service,
    operation,
    input,
    ...more,
  });
}

const ec2 = createSteps("EC2");
const template = { LaunchTemplateName: "shop-web" };
const byName = { Filters: [{ Name: "tag:Name", Values: ["web & co"] }] };
const notFound = (name: string) => ({ gives: { name, status: 400 } });

const data = {
  ImageId: "ami-00000000000000001",
  InstanceType: "t3.micro",
  UserData: "IyEvYmluL3No",
  SecurityGroupIds: ["sg-00000000000000001"],
  MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1 },
  BlockDeviceMappings: [
    { DeviceName: "/dev/xvda", Ebs: { VolumeSize: 20, VolumeType: "gp3", Encrypted: true, Iops: 3_000 } },
    { DeviceName: "/dev/xvdb", Ebs: { VolumeSize: 10, DeleteOnTermination: false } },
  ],
  TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "Name", Value: "<web>" }] }],
};

/** Every operation of EC2 that is served; the launch template `shop-web` stands afterwards. */
const ec2Steps: readonly ReleaseStep[] = [
  ec2("DescribeInstances", { InstanceIds: ["i-00000000000000001"] }),
  ec2("DescribeInstances", { InstanceIds: ["i-000000000000000ff"] }, notFound("InvalidInstanceID.NotFound")),
  ec2("StopInstances", { InstanceIds: ["i-000000000000000ff"] }, notFound("InvalidInstanceID.NotFound")),
  ec2("TerminateInstances", { InstanceIds: ["i-000000000000000ff"] }, notFound("InvalidInstanceID.NotFound")),
  ec2("DescribeImages", byName, { gives: { Images: [{ ImageId: "ami-00000000000000001" }] } }),
  ec2("DescribeImages", { ImageIds: ["ami-000000000000000ff"] }, notFound("InvalidAMIID.NotFound")),
  ec2("DescribeSubnets", byName, { gives: { Subnets: [{ SubnetId: "subnet-00000000000000001" }] } }),
  ec2("DescribeSubnets", { SubnetIds: ["subnet-000000000000000ff"] }, notFound("InvalidSubnetID.NotFound")),
  ec2("DescribeSecurityGroups", byName, { gives: { SecurityGroups: [{ GroupId: "sg-00000000000000001" }] } }),
  ec2("CreatePlacementGroup", { GroupName: "odin/shop", Strategy: "partition", PartitionCount: 3 }),
  ec2(
    "DescribePlacementGroups",
    { Filters: [{ Name: "group-name", Values: ["odin/shop"] }] },
    {
      gives: { PlacementGroups: [{ PartitionCount: 3, State: "available" }] },
    },
  ),
  ec2("DeletePlacementGroup", { GroupName: "odin/shop" }),
  ec2("CreateLaunchTemplate", { ...template, LaunchTemplateData: data }),
  ec2(
    "CreateLaunchTemplate",
    { ...template, LaunchTemplateData: data },
    {
      gives: { name: "InvalidLaunchTemplateName.AlreadyExistsException" },
    },
  ),
  ec2("DescribeLaunchTemplates", { LaunchTemplateNames: ["shop-web"] }),
  ec2("CreateLaunchTemplate", { LaunchTemplateName: "other", LaunchTemplateData: data }),
  ec2("DeleteLaunchTemplate", { LaunchTemplateName: "other" }),
];

const asg = createSteps("AutoScaling");
const group = { AutoScalingGroupName: "shop-web" };
const targetGroup = `arn:aws:elasticloadbalancing:eu-west-1:${PLACE.account}:targetgroup/web/0000000000000001`;
const hook = { ...group, LifecycleHookName: "ready" };
const tag = { ResourceId: "shop-web", ResourceType: "auto-scaling-group", Key: "a", Value: "b" };
const action = { ...hook, InstanceId: "i-000000000000000ff" };
const refused = { gives: { name: "ValidationError", status: 400 } };

const created = {
  ...group,
  MinSize: 0,
  MaxSize: 3,
  DesiredCapacity: 2,
  DefaultCooldown: 300,
  HealthCheckGracePeriod: 60,
  HealthCheckType: "ELB",
  VPCZoneIdentifier: "subnet-00000000000000001",
  NewInstancesProtectedFromScaleIn: false,
  LoadBalancerNames: ["web"],
  TargetGroupARNs: [targetGroup],
  TerminationPolicies: ["OldestLaunchTemplate"],
  MixedInstancesPolicy: {
    LaunchTemplate: {
      LaunchTemplateSpecification: { LaunchTemplateName: "shop-web", Version: "1" },
      Overrides: [{ InstanceType: "t3.micro" }, { InstanceType: "t3.small", WeightedCapacity: "1" }],
    },
    InstancesDistribution: { OnDemandBaseCapacity: 1, OnDemandPercentageAboveBaseCapacity: 50 },
  },
  LifecycleHookSpecificationList: [
    { LifecycleHookName: "done", LifecycleTransition: "autoscaling:EC2_INSTANCE_TERMINATING", HeartbeatTimeout: 60 },
  ],
  Tags: [{ Key: "Name", Value: "<web & co>", PropagateAtLaunch: true }],
};

const policy = {
  ...group,
  PolicyName: "up",
  PolicyType: "StepScaling",
  AdjustmentType: "ChangeInCapacity",
  StepAdjustments: [{ MetricIntervalLowerBound: 0.5, ScalingAdjustment: 1 }],
};
const tracking = {
  ...group,
  PolicyName: "track",
  PolicyType: "TargetTrackingScaling",
  EstimatedInstanceWarmup: 60,
  TargetTrackingConfiguration: {
    TargetValue: 42.5,
    DisableScaleIn: true,
    PredefinedMetricSpecification: { PredefinedMetricType: "ASGAverageCPUUtilization" },
  },
};

/** Every operation of Auto Scaling that is served. */
const autoScalingSteps: readonly ReleaseStep[] = [
  asg("DescribeLaunchConfigurations", { LaunchConfigurationNames: ["old"] }),
  asg("DeleteLaunchConfiguration", { LaunchConfigurationName: "old" }),
  asg("DescribeAccountLimits"),
  asg("CreateAutoScalingGroup", created),
  asg("CreateAutoScalingGroup", created, { gives: { name: "AlreadyExistsFault", status: 400 } }),
  asg(
    "DescribeAutoScalingGroups",
    { Filters: [{ Name: "tag:Name", Values: ["<web & co>"] }], MaxRecords: 5 },
    {
      afterMs: 120_000,
      gives: { AutoScalingGroups: [{ DesiredCapacity: 2 }] },
    },
  ),
  asg("DescribeScalingActivities", { ...group, MaxRecords: 1 }),
  asg("PutScalingPolicy", policy),
  asg("PutScalingPolicy", tracking),
  asg("PutScalingPolicy", { ...policy, PolicyType: "Magic" }, refused),
  asg("DescribePolicies", group, { gives: { ScalingPolicies: [{ PolicyName: "up" }, { PolicyName: "track" }] } }),
  asg("CreateOrUpdateTags", { Tags: [{ ...tag, PropagateAtLaunch: false }] }),
  asg("DeleteTags", { Tags: [tag] }),
  asg("EnableMetricsCollection", { ...group, Granularity: "1Minute", Metrics: ["GroupDesiredCapacity"] }),
  asg("DescribeLifecycleHooks", group),
  asg("CompleteLifecycleAction", { ...action, LifecycleActionResult: "CONTINUE" }, refused),
  asg("RecordLifecycleActionHeartbeat", action, refused),
  asg("UpdateAutoScalingGroup", { ...group, MinSize: 1, MaxSize: 4, DesiredCapacity: 3 }),
  asg("UpdateAutoScalingGroup", { ...group, MinSize: 9 }, refused),
  asg("SuspendProcesses", { ...group, ScalingProcesses: ["AZRebalance"] }),
  asg("SuspendProcesses", { ...group, ScalingProcesses: ["Sleep"] }, refused),
  asg(
    "DescribeAutoScalingGroups",
    { AutoScalingGroupNames: ["shop-web"] },
    { gives: { AutoScalingGroups: [{ SuspendedProcesses: [{ ProcessName: "AZRebalance" }] }] } },
  ),
  asg("ResumeProcesses", group),
  asg("SetInstanceProtection", { ...group, InstanceIds: ["i-000000000000000ff"], ProtectedFromScaleIn: true }, refused),
  asg(
    "TerminateInstanceInAutoScalingGroup",
    {
      InstanceId: "i-000000000000000ff",
      ShouldDecrementDesiredCapacity: true,
    },
    refused,
  ),
  asg("DescribeLoadBalancers", group),
  asg("DescribeLoadBalancerTargetGroups", group, { gives: { LoadBalancerTargetGroups: [{ State: "InService" }] } }),
  asg("DetachLoadBalancers", { ...group, LoadBalancerNames: ["web"] }),
  asg("DetachLoadBalancerTargetGroups", { ...group, TargetGroupARNs: [targetGroup] }),
  asg("DescribeLoadBalancerTargetGroups", group, { gives: { LoadBalancerTargetGroups: [{ State: "Removing" }] } }),
  asg("AttachLoadBalancers", { ...group, LoadBalancerNames: ["web"] }, { afterMs: 120_000 }),
  asg("AttachLoadBalancerTargetGroups", { ...group, TargetGroupARNs: [targetGroup] }),
  asg("DeleteAutoScalingGroup", group, { gives: { name: "ResourceInUseFault", status: 400 } }),
  asg("DeleteAutoScalingGroup", { ...group, ForceDelete: true }),
  asg("DescribeAutoScalingGroups", { AutoScalingGroupNames: ["shop-web"] }, { gives: { AutoScalingGroups: [{}] } }),
];

const ARN = `arn:aws:elasticloadbalancing:eu-west-1:${PLACE.account}:targetgroup/web/0000000000000001`;
const TOPIC = `arn:aws:sns:eu-west-1:${PLACE.account}:hooks`;
const QUEUE = `arn:aws:sqs:eu-west-1:${PLACE.account}:hooks`;
const toPolicy = (project: string) => ({ FilterPolicy: JSON.stringify({ project: [project] }) });
const INSTANCE = "i-00000000000000001";
const TAGS = [
  { Key: "Name", Value: "web & co" },
  { Key: "ProjectName", Value: "shop" },
];

const elb = createSteps("ElasticLoadBalancingV2");
const classic = createSteps("ElasticLoadBalancing");
const alarms = createSteps("CloudWatch");
const [iam, sns, sts] = [createSteps("IAM"), createSteps("SNS"), createSteps("STS")];

/** What the story finds: one of each kind of resource. */
function createReleaseAccount(): AWorld {
  const world = createWorld();
  const { account } = PLACE;
  const { classicLoadBalancing, cloudWatch, ec2, iam, loadBalancing, sns } = world.sim;
  const tags = { Name: "web & co", ProjectName: "shop" };
  const drains = { slowStartSeconds: 30, deregistrationDelaySeconds: 10 };
  const arn = loadBalancing.addTargetGroup({ ...PLACE, name: "web", tags, ...drains });
  loadBalancing.setTarget(arn, { id: INSTANCE, port: 80, state: "healthy" });
  classicLoadBalancing.addLoadBalancer({ ...PLACE, name: "web", tags, drainSeconds: 10 });
  iam.addRole({ account, name: "hooks" });
  iam.addInstanceProfile({ account, name: "web", path: "/odin/shop/", role: "hooks" });
  sns.addTopic({ ...PLACE, name: "hooks" });
  cloudWatch.addMetric({ ...PLACE, ...REQUESTS, value: 3, at: Date.parse("2026-01-01T00:30:00Z") });
  ec2.addImage({ ...PLACE, imageId: "ami-00000000000000001", tags });
  ec2.addSubnet({ ...PLACE, subnetId: "subnet-00000000000000001", tags });
  ec2.addSecurityGroup({ ...PLACE, groupId: "sg-00000000000000001", tags });
  ec2.addInstance({ ...PLACE, instanceId: INSTANCE, tags });
  return world;
}

const targets = { TargetGroupArn: ARN, Targets: [{ Id: INSTANCE, Port: 80 }] };
const instances = { LoadBalancerName: "web", Instances: [{ InstanceId: INSTANCE }] };

const balancingSteps: readonly ReleaseStep[] = [
  elb("DescribeTargetGroups", { Names: ["web"], PageSize: 1 }, { gives: { TargetGroups: [{ Port: 80 }] } }),
  elb("DescribeTargetGroups", { Names: ["none"] }, { gives: { name: "TargetGroupNotFoundException", status: 400 } }),
  elb("DescribeTags", { ResourceArns: [ARN] }, { gives: { TagDescriptions: [{ Tags: TAGS }] } }),
  elb("DescribeTargetGroupAttributes", { TargetGroupArn: ARN }),
  elb("ModifyTargetGroupAttributes", {
    TargetGroupArn: ARN,
    Attributes: [{ Key: "slow_start.duration_seconds", Value: "0" }],
  }),
  elb("DescribeTargetHealth", targets, {
    afterMs: 30_000,
    gives: { TargetHealthDescriptions: [{ TargetHealth: { State: "healthy" } }] },
  }),
  elb("DescribeTargetHealth", { TargetGroupArn: ARN }),
  classic("DescribeLoadBalancers", { LoadBalancerNames: ["web"] }),
  classic(
    "DescribeLoadBalancers",
    { LoadBalancerNames: ["none"] },
    { gives: { name: "AccessPointNotFoundException" } },
  ),
  classic("DescribeTags", { LoadBalancerNames: ["web"] }, { gives: { TagDescriptions: [{ Tags: TAGS }] } }),
  classic("DescribeInstanceHealth", instances, { gives: { name: "InvalidEndPointException", status: 400 } }),
];

const alarm = {
  AlarmName: "cpu",
  AlarmDescription: "CPU > 50 %",
  Namespace: "AWS/EC2",
  MetricName: "CPUUtilization",
  Statistic: "Average",
  Period: 300,
  EvaluationPeriods: 2,
  Threshold: 50.5,
  ActionsEnabled: true,
  ComparisonOperator: "GreaterThanThreshold",
  Dimensions: [{ Name: "AutoScalingGroupName", Value: "shop-web" }],
};

const REQUESTS = { namespace: "AWS/ApplicationELB", name: "RequestCount", dimensions: { TargetGroup: "web" } };
const requests = {
  MetricDataQueries: [
    {
      Id: "r",
      MetricStat: {
        Metric: {
          Namespace: REQUESTS.namespace,
          MetricName: REQUESTS.name,
          Dimensions: [{ Name: "TargetGroup", Value: "web" }],
        },
        Period: 60,
        Stat: "Sum",
      },
    },
  ],
  StartTime: new Date("2026-01-01T00:00:00Z"),
  EndTime: new Date("2026-01-01T01:00:00Z"),
};

const watchSteps: readonly ReleaseStep[] = [
  alarms("PutMetricAlarm", alarm),
  alarms(
    "PutMetricAlarm",
    { ...alarm, Period: 45 },
    { gives: { name: "InvalidParameterValueException", status: 400 } },
  ),
  alarms("DescribeAlarms", { AlarmNames: ["cpu"] }, { gives: { MetricAlarms: [{ Threshold: 50.5, Period: 300 }] } }),
  alarms(
    "DescribeAlarms",
    { StateValue: "INSUFFICIENT_DATA", MaxRecords: 10 },
    { gives: { MetricAlarms: [{ AlarmName: "cpu" }] } },
  ),
  alarms("SetAlarmState", { AlarmName: "cpu", StateValue: "ALARM", StateReason: "a test" }),
  alarms(
    "SetAlarmState",
    { AlarmName: "none", StateValue: "OK", StateReason: "a test" },
    { gives: { name: "ResourceNotFound", status: 404 } },
  ),
  alarms(
    "DescribeAlarmHistory",
    { AlarmName: "cpu", HistoryItemType: "StateUpdate", MaxRecords: 1 },
    { gives: { AlarmHistoryItems: [{ AlarmName: "cpu", HistoryItemType: "StateUpdate" }] } },
  ),
  alarms("DeleteAlarms", { AlarmNames: ["cpu"] }),
  alarms("DeleteAlarms", { AlarmNames: ["cpu"] }, { gives: { name: "ResourceNotFound", status: 404 } }),
  alarms("DeleteAlarms", { AlarmNames: [] }, { gives: { name: "ValidationException" } }),
  alarms("GetMetricData", requests, {
    gives: { MetricDataResults: [{ Id: "r", StatusCode: "Complete", Values: [3] }] },
  }),
  alarms(
    "GetMetricData",
    { ...requests, StartTime: requests.EndTime },
    { gives: { name: "InvalidParameterValueException", status: 400 } },
  ),
];

const globalSteps: readonly ReleaseStep[] = [
  iam("GetInstanceProfile", { InstanceProfileName: "web" }, { gives: { InstanceProfile: { Path: "/odin/shop/" } } }),
  iam("GetInstanceProfile", { InstanceProfileName: "none" }, { gives: { name: "NoSuchEntityException", status: 404 } }),
  iam("GetRole", { RoleName: "hooks" }, { gives: { Role: { MaxSessionDuration: 3_600 } } }),
  sns("GetTopicAttributes", { TopicArn: TOPIC }, { gives: { Attributes: { TopicArn: TOPIC } } }),
  sns(
    "PublishBatch",
    { TopicArn: TOPIC, PublishBatchRequestEntries: [{ Id: "m", Message: "x" }] },
    { gives: { Successful: [{ Id: "m" }] } },
  ),
  sns("GetTopicAttributes", { TopicArn: `${TOPIC}-2` }, { gives: { name: "NotFoundException", status: 404 } }),
  sns("ListSubscriptionsByTopic", { TopicArn: TOPIC }, { gives: { Subscriptions: [] } }),
  sns("Subscribe", { TopicArn: TOPIC, Protocol: "sqs", Endpoint: QUEUE, Attributes: toPolicy("shop") }),
  sns(
    "Subscribe",
    { TopicArn: TOPIC, Protocol: "sqs", Endpoint: QUEUE, Attributes: toPolicy("other") },
    { gives: { name: "InvalidParameterException", status: 400 } },
  ),
  sns("ListSubscriptions", {}, { gives: { Subscriptions: [{ TopicArn: TOPIC, Endpoint: QUEUE }] } }),
  sns("Unsubscribe", { SubscriptionArn: `${TOPIC}:none` }, { gives: { name: "NotFoundException", status: 404 } }),
  sts("GetCallerIdentity", {}, { gives: { Account: PLACE.account } }),
  sts("AssumeRole", {
    RoleArn: `arn:aws:iam::${PLACE.account}:role/hooks`,
    RoleSessionName: "s1",
    DurationSeconds: 900,
  }),
];

/** A story that touches every operation of the services of a release, with errors of each. */
const releaseSteps: readonly ReleaseStep[] = [
  ...balancingSteps,
  ...watchSteps,
  ...globalSteps,
  ...ec2Steps,
  ...autoScalingSteps,
];

const SDK: Readonly<Record<string, readonly [client: unknown, commands: object]>> = {
  AutoScaling: [autoScalingSdk.AutoScalingClient, autoScalingSdk],
  CloudWatch: [cloudWatchSdk.CloudWatchClient, cloudWatchSdk],
  EC2: [ec2Sdk.EC2Client, ec2Sdk],
  ElasticLoadBalancing: [classicSdk.ElasticLoadBalancingClient, classicSdk],
  ElasticLoadBalancingV2: [loadBalancingSdk.ElasticLoadBalancingV2Client, loadBalancingSdk],
  IAM: [iamSdk.IAMClient, iamSdk],
  SNS: [snsSdk.SNSClient, snsSdk],
  STS: [stsSdk.STSClient, stsSdk],
};

const near = createReleaseAccount();
const far = createReleaseAccount();
const opened: { destroy(): void }[] = [];
let door: FrontDoor;

beforeAll(async () => {
  door = await openFrontDoor({ services: answerReleaseServices(far.sim), others: "http://127.0.0.1:1" });
});
afterAll(async () => {
  for (const client of opened) client.destroy();
  await door.stop();
});

/** What a call gives, without what is another each time. */
async function ask({ service, operation, input }: ReleaseStep, open: (type: unknown) => unknown): Promise<unknown> {
  const [type, commands = {}] = SDK[service] ?? [];
  const Command = Object(commands)[`${operation}Command`];
  const answer = await Object(open(type))
    .send(new Command(input))
    .then(
      ({ $metadata, ...output }: Record<string, unknown>) => output,
      ({ name, message, $metadata }: Record<string, unknown>) => ({
        name,
        message,
        status: Object($metadata).httpStatusCode,
      }),
    );
  const text = JSON.stringify(answer).replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "uuid");
  return JSON.parse(text);
}

const openNear = (world: AWorld) => (type: unknown) => world.client(type as never);
const openFar = (world: AWorld) => (type: unknown) => {
  const { credentials } = world;
  const config = { endpoint: door.url, region: "eu-west-1", credentials, maxAttempts: 1 };
  const client = new (type as new (config: object) => { destroy(): void })(config);
  opened.push(client);
  return client;
};

describe("a release over HTTP", () => {
  it.each(releaseSteps.map((step) => [`${step.service}.${step.operation}`, step] as const))(
    "is answered as in process: %s",
    async (_, step) => {
      for (const { clock } of [near, far]) await clock.advance(step.afterMs ?? 0);

      const [expected, found] = [await ask(step, openNear(near)), await ask(step, openFar(far))];

      expect(found).toEqual(expected);
      expect(expected).toMatchObject(step.gives ?? {});
    },
  );

  it("has every operation of its services", () => {
    const asked = new Set(releaseSteps.map(({ service, operation }) => `${service}.${operation}`));
    const { sim } = near;
    const served = Object.entries({
      AutoScaling: sim.autoScaling,
      CloudWatch: sim.cloudWatch,
      EC2: sim.ec2,
      IAM: sim.iam,
      SNS: sim.sns,
      ElasticLoadBalancing: sim.classicLoadBalancing,
      ElasticLoadBalancingV2: sim.loadBalancing,
    }).flatMap(([name, { service }]) => Object.keys(service.operations).map((operation) => `${name}.${operation}`));

    expect(served.filter((each) => !asked.has(each))).toEqual([]);
  });

  it("is signed by sessions of roles, and refused to others", async () => {
    const { sim, credentials } = far;
    const role = sim.iam.addRole({ account: ACCOUNT, name: "releases", externalId: "yard-7", allow: ["iam:*"] });
    const client = new stsSdk.STSClient({ endpoint: door.url, region: "eu-west-1", credentials, maxAttempts: 1 });
    const { Credentials: given } = await client.send(
      new stsSdk.AssumeRoleCommand({
        RoleArn: role.arn,
        RoleSessionName: "release-1",
        ExternalId: "yard-7",
        DurationSeconds: 900,
        Tags: [{ Key: "ProjectName", Value: "shop" }],
      }),
    );
    const session = {
      accessKeyId: given?.AccessKeyId ?? "",
      secretAccessKey: given?.SecretAccessKey ?? "",
      sessionToken: given?.SessionToken ?? "",
    };
    const open = openFar({ ...far, credentials: session });

    const allowed = await ask({ service: "IAM", operation: "GetRole", input: { RoleName: "releases" } }, open);
    const denied = await ask({ service: "EC2", operation: "DescribeImages", input: {} }, open);

    expect(allowed).toMatchObject({ Role: { Arn: role.arn } });
    expect(denied).toMatchObject({ name: "UnauthorizedOperation", status: 403 });
    client.destroy();
  });

  it.each([
    ["IAM", "GetRole", { RoleName: "x" }],
    ["CloudWatch", "DescribeAlarms", {}],
  ])("breaks off where the connection breaks: %s", async (service, operation, input) => {
    far.sim.once(`${service}.${operation}`, async () => {
      throw connectionReset();
    });

    const answer = await ask({ service, operation, input }, openFar(far));

    expect(answer).toMatchObject({ message: "socket hang up" });
  });
});
