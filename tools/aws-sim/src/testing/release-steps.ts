import { type AWorld, createWorld } from "./a-world.ts";
import { autoScalingSteps } from "./auto-scaling-steps.ts";
import { ec2Steps } from "./ec2-steps.ts";
import { createSteps, PLACE, type ReleaseStep } from "./release-step.ts";

const ARN = `arn:aws:elasticloadbalancing:eu-west-1:${PLACE.account}:targetgroup/web/0000000000000001`;
const TOPIC = `arn:aws:sns:eu-west-1:${PLACE.account}:hooks`;
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
export function createReleaseAccount(): AWorld {
  const world = createWorld();
  const { account } = PLACE;
  const { classicLoadBalancing, ec2, iam, loadBalancing, sns } = world.sim;
  const tags = { Name: "web & co", ProjectName: "shop" };
  const drains = { slowStartSeconds: 30, deregistrationDelaySeconds: 10 };
  loadBalancing.addTargetGroup({ ...PLACE, name: "web", tags, ...drains });
  classicLoadBalancing.addLoadBalancer({ ...PLACE, name: "web", tags, drainSeconds: 10 });
  iam.addRole({ account, name: "hooks" });
  iam.addInstanceProfile({ account, name: "web", path: "/odin/shop/", role: "hooks" });
  sns.addTopic({ ...PLACE, name: "hooks" });
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
  classic("DescribeInstanceHealth", instances, { gives: { InstanceStates: [{ State: "OutOfService" }] } }),
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
    { StateValue: "ALARM", MaxRecords: 10 },
    { gives: { MetricAlarms: [{ AlarmName: "cpu" }] } },
  ),
  alarms("DeleteAlarms", { AlarmNames: ["cpu"] }),
  alarms("DeleteAlarms", { AlarmNames: ["cpu"] }, { gives: { name: "ResourceNotFound", status: 404 } }),
  alarms("DeleteAlarms", { AlarmNames: [] }, { gives: { name: "ValidationException" } }),
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
  sts("GetCallerIdentity", {}, { gives: { Account: PLACE.account } }),
  sts("AssumeRole", {
    RoleArn: `arn:aws:iam::${PLACE.account}:role/hooks`,
    RoleSessionName: "s1",
    DurationSeconds: 900,
  }),
];

/** A story that touches every operation of the services of a release, with errors of each. */
export const releaseSteps: readonly ReleaseStep[] = [
  ...balancingSteps,
  ...watchSteps,
  ...globalSteps,
  ...ec2Steps,
  ...autoScalingSteps,
];
