import type { Moment, Weather } from "@stackyard/core/testing";
import { SimFault } from "../sim-fault.ts";
import { rowsOf } from "./answer-shapes.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What someone else does right after the program has seen an answer: an operation and its input. */
type Act = readonly [operation: string, input: Fields];

/** One thing that someone else deletes or changes between two calls of the program. */
interface Meanwhile {
  readonly name: string;
  readonly source: string;
  /** Matches the operations that show the thing, or make it. */
  readonly operation: RegExp;
  /** Returns what is done to it; undefined if the answer has no such thing. */
  act(input: Fields, answer: Fields): Act | undefined;
}

const first = (answer: Fields, list: string): Fields | undefined => rowsOf(answer, list)[0];
const bucketAndKey = ({ Bucket, Key }: Fields) => (Key === undefined ? undefined : { Bucket, Key });

function taskOf(input: Fields, answer: Fields): Act | undefined {
  const task = first(answer, "tasks");
  if (task === undefined || task["lastStatus"] === "STOPPED") return undefined;
  return ["ECS.StopTask", { cluster: input["cluster"], task: task["taskArn"], reason: "someone else" }];
}

function instanceOf(answer: Fields): string | undefined {
  const reservation = first(answer, "Reservations") ?? {};
  const row = first(reservation, "Instances") ?? first(answer, "InstanceInformationList");
  return textOrNone((row ?? first(answer, "CommandInvocations"))?.["InstanceId"]);
}

function groupOf(input: Fields, answer: Fields): string | undefined {
  return textOrNone(input["AutoScalingGroupName"] ?? first(answer, "AutoScalingGroups")?.["AutoScalingGroupName"]);
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

const GONE: readonly Meanwhile[] = [
  {
    name: "gone",
    source: "ECS API reference, StopTask: any caller with the right stops a task, also one of a service or a Spot end",
    operation: /^ECS\.(RunTask|StartTask|DescribeTasks)$/,
    act: taskOf,
  },
  {
    name: "gone",
    source: "ECS API reference, DeregisterTaskDefinition: RunTask of an INACTIVE revision is refused",
    operation: /^ECS\.DescribeTaskDefinition$/,
    act: (_, answer) => {
      const found: Fields = Object(answer["taskDefinition"]);
      return ["ECS.DeregisterTaskDefinition", { taskDefinition: found["taskDefinitionArn"] }];
    },
  },
  {
    name: "gone",
    source: "EC2 user guide, Instance lifecycle: people, groups and Spot terminate instances at any time",
    operation: /^(EC2\.DescribeInstances|SSM\.(DescribeInstanceInformation|ListCommandInvocations))$/,
    act: (_, answer) => {
      const id = instanceOf(answer);
      return id === undefined ? undefined : ["EC2.TerminateInstances", { InstanceIds: [id] }];
    },
  },
  {
    name: "gone",
    source: "Auto Scaling API reference, DeleteAutoScalingGroup, ForceDelete: the group and its instances",
    operation: /^AutoScaling\.(CreateAutoScalingGroup|UpdateAutoScalingGroup|DescribeAutoScalingGroups)$/,
    act: (input, answer) => {
      const AutoScalingGroupName = groupOf(input, answer);
      if (AutoScalingGroupName === undefined) return undefined;
      return ["AutoScaling.DeleteAutoScalingGroup", { AutoScalingGroupName, ForceDelete: true }];
    },
  },
  {
    name: "gone",
    source: "CloudWatch API reference, DescribeAlarms: alarms that do not exist are left out, without an error",
    operation: /^CloudWatch\.DescribeAlarms$/,
    act: (_, answer) => {
      const name = first(answer, "MetricAlarms")?.["AlarmName"];
      return name === undefined ? undefined : ["CloudWatch.DeleteAlarms", { AlarmNames: [name] }];
    },
  },
  {
    name: "gone",
    source: "Lambda API reference, Invoke and GetAlias: ResourceNotFoundException for a function that was deleted",
    operation: /^Lambda\.(GetAlias|Invoke)$/,
    act: ({ FunctionName }) => ["Lambda.DeleteFunction", { FunctionName }],
  },
  {
    name: "gone",
    source: "S3 API reference, GetObject: NoSuchKey after DeleteObject, by a person or a lifecycle rule",
    operation: /^S3\.(HeadObject|GetObject|PutObject|CopyObject|CompleteMultipartUpload)$/,
    act: (input) => {
      const object = bucketAndKey(input);
      return object && ["S3.DeleteObject", object];
    },
  },
  {
    name: "gone",
    source: "S3 API reference, DeleteBucket: a bucket that is empty is deleted at once, then NoSuchBucket",
    operation: /^S3\.(HeadBucket|CreateBucket|(Put|Get).*(Bucket|PublicAccessBlock|Configuration).*)$/,
    act: ({ Bucket }) => ["S3.DeleteBucket", { Bucket }],
  },
  {
    name: "gone",
    source: "EC2 API reference, DeleteLaunchTemplate: InvalidLaunchTemplateId.NotFoundException afterwards",
    operation: /^EC2\.(CreateLaunchTemplate|DescribeLaunchTemplates)$/,
    act: (_, answer) => {
      const made: Fields = Object(answer["LaunchTemplate"]);
      const LaunchTemplateId = made["LaunchTemplateId"] ?? first(answer, "LaunchTemplates")?.["LaunchTemplateId"];
      return LaunchTemplateId === undefined ? undefined : ["EC2.DeleteLaunchTemplate", { LaunchTemplateId }];
    },
  },
  {
    name: "gone",
    source: "SNS API reference, Unsubscribe: the subscriber ends its subscription itself",
    operation: /^SNS\.ListSubscriptionsByTopic$/,
    act: (_, answer) => {
      const SubscriptionArn = first(answer, "Subscriptions")?.["SubscriptionArn"];
      return SubscriptionArn === undefined ? undefined : ["SNS.Unsubscribe", { SubscriptionArn }];
    },
  },
];

const CHANGED: readonly Meanwhile[] = [
  {
    name: "changed",
    source: "S3 API reference, PutObject: the last writer wins, between HeadObject and GetObject too",
    operation: /^S3\.(HeadObject|GetObject)$/,
    act: (input) => {
      const object = bucketAndKey(input);
      return object && ["S3.PutObject", { ...object, Body: Buffer.from("of someone else") }];
    },
  },
  {
    name: "changed",
    source: "go-to-k/delstack#114, aws/aws-cdk#21776: a file arrives while a bucket is emptied",
    operation: /^S3\.(ListObjectsV2|ListObjectVersions|DeleteObjects)$/,
    act: ({ Bucket }) => ["S3.PutObject", { Bucket, Key: "late", Body: Buffer.from("of someone else") }],
  },
  {
    name: "changed",
    source: "CloudWatch API reference, SetAlarmState: an alarm goes off between two looks",
    operation: /^CloudWatch\.DescribeAlarms$/,
    act: (_, answer) => {
      const alarm = first(answer, "MetricAlarms");
      const StateValue = alarm?.["StateValue"] === "OK" ? "ALARM" : "OK";
      const named = { AlarmName: alarm?.["AlarmName"], StateReason: "someone else" };
      return alarm && ["CloudWatch.SetAlarmState", { ...named, StateValue }];
    },
  },
  {
    name: "changed",
    source: "Auto Scaling API reference, UpdateAutoScalingGroup: a person or a schedule scales the group to zero",
    operation: /^AutoScaling\.(CreateAutoScalingGroup|DescribeAutoScalingGroups)$/,
    act: (input, answer) => {
      const AutoScalingGroupName = groupOf(input, answer);
      if (AutoScalingGroupName === undefined) return undefined;
      return ["AutoScaling.UpdateAutoScalingGroup", { AutoScalingGroupName, MinSize: 0, DesiredCapacity: 0 }];
    },
  },
  {
    name: "changed, suspended",
    source: "Auto Scaling API reference, SuspendProcesses: Launch and Terminate stop until a person resumes them",
    operation: /^AutoScaling\.(CreateAutoScalingGroup|DescribeAutoScalingGroups)$/,
    act: (input, answer) => {
      const AutoScalingGroupName = groupOf(input, answer);
      return AutoScalingGroupName === undefined
        ? undefined
        : ["AutoScaling.SuspendProcesses", { AutoScalingGroupName }];
    },
  },
  {
    name: "changed",
    source: "Systems Manager API reference, CancelCommand: any caller with the right cancels a command",
    operation: /^SSM\.(SendCommand|ListCommandInvocations|ListCommands)$/,
    act: (input, answer) => {
      const sent: Fields = Object(answer["Command"]);
      const row = first(answer, "CommandInvocations") ?? first(answer, "Commands");
      const CommandId = sent["CommandId"] ?? input["CommandId"] ?? row?.["CommandId"];
      return CommandId === undefined ? undefined : ["SSM.CancelCommand", { CommandId }];
    },
  },
  {
    name: "changed",
    source: "EC2 API reference, StopInstances: a person or a schedule stops an instance at night",
    operation: /^EC2\.DescribeInstances$/,
    act: (_, answer) => {
      const id = instanceOf(answer);
      return id === undefined ? undefined : ["EC2.StopInstances", { InstanceIds: [id] }];
    },
  },
];

function findAct(name: string, { operation, input }: Moment, answer: unknown): Act | undefined {
  if (answer === undefined) return undefined;
  const all = [...GONE, ...CHANGED].filter((each) => each.name === name && each.operation.test(operation));
  return all[0]?.act(Object(input), Object(answer));
}

function throwUnlessRefused(error: unknown): void {
  if (!(error instanceof SimFault)) throw error;
}

/** What others delete (`gone`) or change (`changed`) right after the program has seen it. */
export const meanwhileWeathers: readonly Weather[] = [...Map.groupBy([...GONE, ...CHANGED], ({ name }) => name)].map(
  ([name, all]) => ({
    name,
    source: all.map(({ source }) => source).join("; "),
    fits: (moment, answer) => findAct(name, moment, answer) !== undefined,
    async meet(moment, proceed, world) {
      const answer = await proceed();
      const act = findAct(name, moment, answer);
      // What cannot be done to the thing at this moment, as to a group that is being deleted, is not done.
      if (act !== undefined) await world.act(...act).catch(throwUnlessRefused);
      return answer;
    },
  }),
);
