import {
  AutoScalingClient,
  PutScalingPolicyCommand,
  SetInstanceProtectionCommand,
  SuspendProcessesCommand,
} from "@aws-sdk/client-auto-scaling";
import { CloudWatchClient, PutMetricAlarmCommand } from "@aws-sdk/client-cloudwatch";
import { watchSim } from "@stackyard/aws-sim";
import {
  createRandom,
  type Decision,
  type Ending,
  type Story,
  type TaskBench,
  type TaskEnd,
  taskStory,
} from "@stackyard/core/testing";
import { createAsgExecutor } from "../asg.ts";
import { TARGET } from "./builders.ts";
import { findOrphans } from "./release-world.ts";
import { type AsgYard, addServingGroup, aTaskConfig, createAsgYard, OLD_GROUP } from "./yards.ts";

const PLACE = { account: TARGET.account, region: TARGET.region };
/** A person's alarm, which the old group shares. */
const SHARED = "orders-queue-depth";

/** What others have done to the groups, or have forbidden, ends with a person. */
const BY_OTHERS: readonly Decision[] = [
  {
    finding: /^(untrusted|denied 20 min) at \S+: true: the verdict is failed, the truth is succeeded/,
    reason: "A clean-up that is denied for longer than two minutes fails with LEFT_BEHIND, which names what stays.",
  },
  {
    finding: /^(gone|changed) at AutoScaling.DescribeAutoScalingGroups: in work: ended the group that served/,
    reason:
      "Someone else has scaled the new group to zero, or deleted it, after its last health check. The release fails, and says so.",
  },
  {
    finding: /^changed at AutoScaling.DescribeAutoScalingGroups: true: the verdict is succeeded/,
    reason: "A group that someone else scales to zero when the release is done has served.",
  },
  {
    finding: /\bgone at AutoScaling.DescribeAutoScalingGroups\b.*: true: the verdict is succeeded/,
    isOfPairs: true,
    reason: "Where a freeze moves the last look of a release to this call, someone else deletes the group after it.",
  },
];

const REPORTED: NonNullable<Story["reported"]> = [
  { report: "spinnaker/spinnaker#6377", at: "AutoScaling.DescribeAutoScalingGroups#4", weather: "changed" },
  { report: "spinnaker/clouddriver PR 318", at: "AutoScaling.DescribeAutoScalingGroups#7", weather: "gone" },
];

/** A release over a group that serves. */
interface ReleaseStoryInput {
  readonly name: string;
  /** The servers of the new group never answer. Default: they do. */
  readonly isBroken?: boolean;
  /** Someone has suspended all processes of the old group, and protected its servers. Default: no one has. */
  readonly isSuspended?: boolean;
}

function releaseStory({ name, isBroken = false, isSuspended = false }: ReleaseStoryInput): Story {
  return taskStory({
    name,
    decisions: BY_OTHERS,
    reported: isBroken || isSuspended ? [] : REPORTED,
    async create(sky) {
      const yard = createAsgYard();
      const { sim, clock } = yard.world;
      await addServingGroup(yard);
      await shareAlarm(yard);
      await clock.advance(10 * 60_000);
      if (isSuspended) await suspend(yard);
      if (isBroken) sim.autoScaling.script("org/shop-production-2", { neverHealthy: true });
      watchSim(sim, sky);
      return {
        clock,
        executor: createAsgExecutor({ random: createRandom(7) }),
        config: aTaskConfig(),
        aws: (type) => yard.aws(type),
        judge: (end) => toEnding(yard, end, isBroken),
      };
    },
  });
}

/** A person has added a scaling policy on an alarm that also pages someone. */
async function shareAlarm({ aws }: AsgYard): Promise<void> {
  const policy = { AutoScalingGroupName: OLD_GROUP, PolicyName: "queue", AdjustmentType: "ChangeInCapacity" };
  const scaling = new PutScalingPolicyCommand({ ...policy, ScalingAdjustment: 1 });
  const { PolicyARN = "" } = await aws(AutoScalingClient).send(scaling);
  const actions = [PolicyARN, `arn:aws:sns:${PLACE.region}:${PLACE.account}:on-call`];
  const metric = { Namespace: "AWS/SQS", MetricName: "Depth", Statistic: "Average", Period: 60 } as const;
  const rule = { EvaluationPeriods: 1, Threshold: 9, ComparisonOperator: "GreaterThanThreshold" } as const;
  await aws(CloudWatchClient).send(
    new PutMetricAlarmCommand({ AlarmName: SHARED, AlarmActions: actions, ...metric, ...rule }),
  );
}

/** During an incident. */
async function suspend({ aws, world }: AsgYard): Promise<void> {
  const group = world.sim.autoScaling.findGroup({ ...PLACE, name: OLD_GROUP });
  const InstanceIds = group?.instances.map(({ instanceId }) => instanceId) ?? [];
  const named = { AutoScalingGroupName: OLD_GROUP };
  const client = aws(AutoScalingClient);
  await client.send(new SuspendProcessesCommand(named));
  await client.send(new SetInstanceProtectionCommand({ ...named, InstanceIds, ProtectedFromScaleIn: true }));
}

/** Auto Scaling knows which groups serve; a release that leaves something behind says so. */
async function toEnding(yard: AsgYard, { code }: TaskEnd, isBroken: boolean): ReturnType<TaskBench["judge"]> {
  const { groups, templates, alarms } = await yard.standing();
  const fresh = groups.filter((name) => name !== OLD_GROUP);
  const serving = yard.world.sim.autoScaling
    .listGroups(PLACE)
    .filter(
      ({ isDeleting, instances, isAttached }) =>
        !isDeleting && isAttached && instances.some(({ lifecycleState }) => lifecycleState === "InService"),
    );
  const isNew = serving.some(({ name }) => name !== OLD_GROUP);
  const owned = [...templates, ...alarms].filter((name) => name !== SHARED);
  const listed = await findOrphans(yard.world);
  const ownerless = owned
    .filter((name) => !groups.some((group) => name.startsWith(group)))
    .filter((name) => !listed.some((line) => line.includes(name)));
  const isTold = code === "LEFT_BEHIND";
  const ending: Omit<Ending, "verdict" | "said"> = {
    truth: isNew && !serving.some(({ name }) => name === OLD_GROUP) ? "succeeded" : "failed",
    begun: { "a new group": fresh.length },
    ended: [
      ...(serving.length === 0 ? ["the group that served"] : []),
      ...(code === "RELEASE_TIMED_OUT" && !isBroken ? ["a new group whose servers are healthy"] : []),
    ],
    left: isTold
      ? []
      : [...ownerless, ...(groups.length > 1 ? groups : [])].map((each) => each.replaceAll(/\d{4}-[\dT:-]+Z/g, "…")),
    foreign: alarms.includes(SHARED) ? [] : [`the alarm ${SHARED}`],
    views: {},
  };
  return ending;
}

/** The stories of releases on Auto Scaling groups. */
export const asgStories: readonly Story[] = [
  releaseStory({ name: "asg-release" }),
  releaseStory({ name: "asg-unhealthy", isBroken: true }),
  releaseStory({ name: "asg-suspended", isSuspended: true }),
];
