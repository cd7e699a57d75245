import { DescribeLaunchTemplatesCommand, EC2Client } from "@aws-sdk/client-ec2";
import {
  ElasticLoadBalancingV2Client,
  ModifyTargetGroupAttributesCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import type { ExecutorContext, Step } from "@stackyard/core";
import {
  createExecutorContext,
  createMemoryRecords,
  createRandom,
  runExecutor,
  type TestContextInput,
  type TestExecutorContext,
} from "@stackyard/core/testing";
import { createAsgExecutor } from "../asg.ts";
import { TARGET, USER_DATA } from "./a-release.ts";
import { createReleaseWorld, type ReleaseWorld, type WorldOptions } from "./a-release-world.ts";

/** A simulated account, and a yard whose records and leases outlive its runs. */
export interface AsgYard {
  readonly world: ReleaseWorld;
  readonly records: ExecutorContext["records"];
  readonly aws: ExecutorContext["aws"];
  context(input?: TestContextInput): TestExecutorContext;
  /** Runs a task to its end. */
  run(
    config: object,
    options?: { readonly cancelAfterMs?: number; readonly context?: TestExecutorContext },
  ): Promise<{
    readonly step: Exclude<Step, { kind: "running" }>;
    readonly steps: readonly Step[];
    readonly elapsedMs: number;
  }>;
  /** Names of groups that stand and are not being deleted. */
  groups(): readonly string[];
  /** What stands, by kind: names. */
  standing(): Promise<Standing>;
}

/** Names of what releases make. */
export interface Standing {
  readonly groups: readonly string[];
  readonly templates: readonly string[];
  readonly alarms: readonly string[];
}

/** A document of one service `web` with a target group, in a machine: without id, time and target. */
export function aTaskDocument(over: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    project_name: "org/shop",
    config_name: "production",
    subnets: ["private-a", "private-b"],
    ami: "base",
    services: { web: aTaskService() },
    ...over,
  };
}

/** Two servers behind the target group `web`. */
export function aTaskService(over: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    instance_type: "t3.micro",
    security_groups: ["web"],
    target_groups: ["web"],
    autoscaling: { min_size: 2, max_size: 4, policies: [{ type: "cpu_scale_up" }] },
    ...over,
  };
}

/** What a task is given for it. */
export function aTaskConfig(over: Readonly<Record<string, unknown>> = {}, config: object = {}) {
  return { release: aTaskDocument(over), userData: USER_DATA, preset: "odin", ...config };
}

/** The group of the release before, behind the target group `web`, which lets go of its servers within 15 s. */
export async function addServingGroup({ world, aws }: AsgYard): Promise<string> {
  const { web: arn = "" } = world.ids.targetGroups;
  const attribute = { Key: "deregistration_delay.timeout_seconds", Value: "15" };
  const request = { TargetGroupArn: arn, Attributes: [attribute] };
  await aws(ElasticLoadBalancingV2Client).send(new ModifyTargetGroupAttributesCommand(request));
  return world.sim.autoScaling.addGroup({
    account: TARGET.account,
    region: TARGET.region,
    name: OLD_GROUP,
    desired: 2,
    max: 10,
    subnets: world.ids.subnets,
    targetGroups: [arn],
    launchConfiguration: OLD_GROUP,
    tags: { ProjectName: "org/shop", ConfigName: "production", ServiceName: "web", ReleaseID: "release-1" },
  });
}

/** Its name. */
export const OLD_GROUP = "org/shop-production-release-1-web";

/** Makes one. */
export function createAsgYard(options: WorldOptions = {}): AsgYard {
  const world = createReleaseWorld(options);
  const { clock, sim } = world;
  const records = createMemoryRecords();
  const aws: ExecutorContext["aws"] = (type) => world.deps.target.client(type);
  const context = (input: TestContextInput = {}) =>
    createExecutorContext({ clock, aws, records, target: TARGET, ...input });
  const groups = () =>
    sim.autoScaling
      .listGroups({ account: TARGET.account, region: TARGET.region })
      .filter(({ isDeleting }) => !isDeleting)
      .map(({ name }) => name);
  return {
    world,
    records,
    aws,
    context,
    groups,
    async standing() {
      const { LaunchTemplates = [] } = await aws(EC2Client).send(new DescribeLaunchTemplatesCommand({}));
      return {
        groups: groups(),
        templates: LaunchTemplates.map(({ LaunchTemplateName = "" }) => LaunchTemplateName),
        alarms: sim.cloudWatch.findAlarms(TARGET.account, TARGET.region).map(({ name }) => name),
      };
    },
    run: (config, given = {}) =>
      runExecutor(createAsgExecutor({ random: createRandom(7) }), config, { context: context(), ...given }),
  };
}
