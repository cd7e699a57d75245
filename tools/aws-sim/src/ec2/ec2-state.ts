import { toTagList } from "./ec2-faults.ts";
import type { SimImage } from "./images.ts";
import type { LaunchTemplateStore } from "./launch-templates.ts";
import type { SimSecurityGroup, SimSubnet } from "./networks.ts";
import type { PlacementGroupStore } from "./placement-groups.ts";

/** All that EC2 keeps, of all accounts, by id. */
export interface Ec2State extends LaunchTemplateStore, PlacementGroupStore {
  readonly instances: Map<string, SimInstance>;
  readonly images: Map<string, SimImage>;
  readonly subnets: Map<string, SimSubnet>;
  readonly securityGroups: Map<string, SimSecurityGroup>;
  readonly settings: Ec2Settings;
}

/** How late EC2 is. */
export interface Ec2Settings {
  /**
   * How long Describe operations do not know what was made. Source: EC2 developer guide, "Eventual consistency in the Amazon
   * EC2 API".
   */
  describeLagMs: number;
}

/** Nothing yet. */
export function createEc2State(): Ec2State {
  const given = new Map<string, number>();
  const settings: Ec2Settings = { describeLagMs: 0 };
  return {
    instances: new Map(),
    images: new Map(),
    subnets: new Map(),
    securityGroups: new Map(),
    placementGroups: new Map(),
    launchTemplates: new Map(),
    templateTokens: new Map(),
    settings,
    nextId(prefix) {
      const number = (given.get(prefix) ?? 0) + 1;
      given.set(prefix, number);
      return `${prefix}-${number.toString(16).padStart(17, "0")}`;
    },
    seenAt: (now) => now + settings.describeLagMs,
  };
}

/** One instance of EC2 as the simulation keeps it. */
export interface SimInstance {
  readonly account: string;
  readonly region: string;
  readonly instanceId: string;
  readonly reservationId: string;
  readonly platform: "windows" | undefined;
  readonly instanceType: string;
  readonly launchedAt: number;
  /** DescribeInstances knows nothing of it before. */
  readonly visibleAt: number;
  readonly states: readonly StateAt[];
  readonly tags: Readonly<Record<string, string>>;
  /** What it was launched with, as far as anybody said. */
  readonly launch: LaunchFacts | undefined;
}

/** The request of RunInstances. */
export interface LaunchFacts {
  readonly imageId: string;
  readonly subnetId: string;
  readonly vpcId: string;
  readonly availabilityZone: string;
  readonly securityGroupIds: readonly string[];
  readonly placementGroup: string | undefined;
  readonly isSpot: boolean;
}

/** A state and since when. */
export interface StateAt {
  readonly at: number;
  readonly state: InstanceState;
}

/** As EC2 names them. */
export type InstanceState = keyof typeof STATE_CODES;

/** API reference, "InstanceState", Code. */
const STATE_CODES = {
  pending: 0,
  running: 16,
  "shutting-down": 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
} as const;

/** The state at an instant. */
export function stateOf({ states }: SimInstance, now: number): InstanceState {
  return states.findLast(({ at }) => at <= now)?.state ?? "pending";
}

/** "Instance", LaunchTime: "updated for instances that are stopped and then started". */
function launchTimeOf({ states, launchedAt }: SimInstance, now: number): number {
  const past = states.filter(({ at }) => at <= now);
  const started = past.findLast(({ state }, index) => state !== "stopped" && past[index - 1]?.state === "stopped");
  return started?.at ?? launchedAt;
}

/** An instance as DescribeInstances answers it, as far as anything here reads it. */
export function toInstance(instance: SimInstance, now: number): Readonly<Record<string, unknown>> {
  const { instanceId, instanceType, platform, tags } = instance;
  const state = stateOf(instance, now);
  return {
    InstanceId: instanceId,
    InstanceType: instanceType,
    LaunchTime: new Date(launchTimeOf(instance, now)),
    State: { Code: STATE_CODES[state], Name: state },
    // Absent for Linux ("Instance", Platform: "The value is `Windows` for Windows instances; otherwise blank").
    ...(platform === undefined ? {} : { Platform: platform }),
    PlatformDetails: platform === undefined ? "Linux/UNIX" : "Windows",
    Tags: toTagList(tags),
  };
}
