import { queryFaults } from "../service-faults.ts";
import type { NamedResource, Place } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";
import type { LifecycleAction } from "./lifecycle-hooks.ts";

/** An Auto Scaling group as the simulation keeps it. It changes as time passes. */
export interface SimGroup extends NamedResource {
  readonly arn: string;
  readonly createdAt: number;
  /** Describe operations do not know it before. */
  readonly visibleAt: number;
  settings: GroupSettings;
  tags: readonly GroupTag[];
  sources: readonly AttachedSource[];
  members: readonly SimMember[];
  /** In the order of their beginning. */
  readonly activities: SimActivity[];
  readonly policies: Map<string, SimPolicy>;
  /** Group metrics that are collected. */
  readonly metrics: Set<string>;
  /** The types of processes that are suspended. */
  readonly suspended: Set<string>;
  /** When it checks its capacity next. */
  scaleAt: number;
  /** Launches that failed one after the other. */
  failures: number;
  /** What changed its capacity, in the words of activities, until an activity reports it. */
  changes: readonly string[];
  /** It was deleted by force; it is removed with its last instance. */
  isDeleting: boolean;
}

/** What create and update set. */
export interface GroupSettings {
  readonly min: number;
  readonly max: number;
  readonly desired: number;
  readonly healthCheckType: string;
  readonly graceSeconds: number;
  readonly subnets: readonly string[];
  readonly availabilityZones: readonly string[];
  readonly placementGroup: string | undefined;
  readonly terminationPolicies: readonly string[];
  readonly isProtected: boolean;
  readonly source: LaunchSource;
  /** What is only kept and answered, by its name in the API. */
  readonly others: Readonly<Record<string, unknown>>;
}

/** What instances are launched from. */
export type LaunchSource =
  | { readonly kind: "template"; readonly template: TemplateRef }
  | { readonly kind: "mixed"; readonly template: TemplateRef; readonly policy: Readonly<Record<string, unknown>> }
  | { readonly kind: "configuration"; readonly name: string };

/** A tag of a group. */
export interface GroupTag {
  readonly key: string;
  readonly value: string;
  readonly propagates: boolean;
}

/** A load balancer that instances are, or were, registered with. */
export interface AttachedSource {
  readonly ref: TrafficSourceRef;
  readonly attachedAt: number;
  /** Being detached: when the last connection is gone. */
  readonly removedAt: number | undefined;
}

/** A scaling policy: what was put, under an ARN. */
export interface SimPolicy {
  readonly name: string;
  readonly arn: string;
  readonly type: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Alarms that Auto Scaling made for it. */
  readonly ownAlarms: readonly string[];
}

/** Returns the load balancers that new instances are registered with. */
export function activeSources({ sources }: SimGroup): readonly TrafficSourceRef[] {
  return sources.filter(({ removedAt }) => removedAt === undefined).map(({ ref }) => ref);
}

/** An instance in a group. */
export interface SimMember {
  readonly instanceId: string;
  readonly instanceType: string;
  readonly availabilityZone: string;
  readonly subnetId: string;
  readonly launchedAt: number;
  readonly script: LaunchScript;
  /** With the number of the version that it was launched from. */
  readonly template: TemplateRef | undefined;
  readonly configuration: string | undefined;
  isProtected: boolean;
  stage: Stage;
  /** When its stage ends or is due. */
  nextAt: number;
  healthStatus: "Healthy" | "Unhealthy";
  /** How load balancers find it, since it is in service. */
  course: TargetCourse | undefined;
  inServiceAt: number | undefined;
  /** Lifecycle actions that its stage waits for. */
  actions: readonly LifecycleAction[];
  /** The activity that launches or terminates it. */
  activity: SimActivity;
}

/** The stages of an instance's life, in order. */
export type Stage = "booting" | "launchHook" | "serving" | "draining" | "terminateHook" | "shuttingDown";

/** The states of the user guide, "Amazon EC2 Auto Scaling instance lifecycle". */
const LIFECYCLE_STATES: Readonly<Record<Stage, string>> = {
  booting: "Pending",
  launchHook: "Pending:Wait",
  serving: "InService",
  draining: "Terminating",
  terminateHook: "Terminating:Wait",
  shuttingDown: "Terminating",
};

/** Returns its LifecycleState. */
export function lifecycleStateOf({ stage, actions }: SimMember): string {
  return stage === "shuttingDown" && actions.length > 0 ? "Terminating:Proceed" : LIFECYCLE_STATES[stage];
}

/** Returns true if the group still counts it. */
export function isAlive({ stage }: SimMember): boolean {
  return stage === "booting" || stage === "launchHook" || stage === "serving";
}

const BOOT_MS = 30_000;
const HEALTHY_MS = 20_000;

/** Returns when it has booted. */
export function bootedAt({ launchedAt, script }: SimMember): number {
  return launchedAt + (script.bootMs ?? BOOT_MS);
}

/** Returns when its EC2 status checks fail. */
export function diesAt({ launchedAt, script }: SimMember): number {
  return launchedAt + (script.diesAfterMs ?? Number.POSITIVE_INFINITY);
}

/** Returns its states for load balancers if it is registered at an instant. */
export function toCourse(member: SimMember, registeredAt: number): TargetCourse {
  const { launchedAt, script } = member;
  const answersAt =
    script.healthyAfterMs === undefined ? bootedAt(member) + HEALTHY_MS : launchedAt + script.healthyAfterMs;
  const healthyAt = script.neverHealthy ? Number.POSITIVE_INFINITY : Math.max(registeredAt, answersAt);
  if (script.failsAfterMs === undefined) return { healthyAt };
  return { healthyAt, unhealthyAt: launchedAt + script.failsAfterMs };
}

/** A launch template as a group names it. */
export interface TemplateRef {
  readonly id: string;
  readonly name: string;
  /** A number, `$Latest` or `$Default`. */
  readonly version: string;
}

/** A scaling activity: a launch or termination of one instance. It changes over time. */
export interface SimActivity {
  readonly id: string;
  cause: string;
  readonly startedAt: number;
  readonly details: string;
  description: string;
  status: ActivityStatus;
  message: string | undefined;
  endedAt: number | undefined;
}

/** API reference, "Activity", StatusCode, as far as anything here comes to it. */
type ActivityStatus =
  | "InProgress"
  | "MidLifecycleAction"
  | "WaitingForELBConnectionDraining"
  | "Successful"
  | "Failed"
  | "Cancelled";

/** Ends an activity. The description then includes the reason, as in AWS. */
export function endActivity(
  activity: SimActivity,
  at: number,
  end: { readonly status: ActivityStatus; readonly message?: string },
): void {
  activity.status = end.status;
  activity.endedAt = at;
  if (end.message === undefined) return;
  activity.message = end.message;
  activity.description += `.  Status Reason: ${end.message}`;
}

/** Formats an instant as in causes. */
export function toCauseTime(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}/, "");
}

/** How an instance of a group lives. Times are milliseconds since its launch. */
export interface LaunchScript {
  /** Until it leaves `Pending`. Default: 30 seconds. */
  readonly bootMs?: number;
  /** From then on load balancers find it healthy. Default: 20 seconds after it has booted. */
  readonly healthyAfterMs?: number;
  /** Load balancers never do. */
  readonly neverHealthy?: boolean;
  /** From then on load balancers find it unhealthy. */
  readonly failsAfterMs?: number;
  /** From then on its EC2 status checks fail: it is replaced. */
  readonly diesAfterMs?: number;
  /** It is not launched at all: a name of `LAUNCH_ERRORS`, or the message of the activity itself. */
  readonly launchError?: string;
}

/** What a launch was about. */
interface Attempt {
  readonly instanceType: string;
  readonly availabilityZone: string;
  readonly imageId: string;
}

/**
 * Messages of activities whose launch failed, by a name for scripts. Source: Auto Scaling user guide, "Troubleshoot Amazon EC2
 * Auto Scaling", its pages on launch failures and on AMI issues.
 */
const LAUNCH_ERRORS: Readonly<Record<string, (attempt: Attempt) => string>> = {
  InsufficientInstanceCapacity: ({ instanceType, availabilityZone }) =>
    `We currently do not have sufficient ${instanceType} capacity in the Availability Zone you requested (${availabilityZone}). Our system will be working on provisioning additional capacity. You can currently get ${instanceType} capacity by not specifying an Availability Zone in your request.`,
  SpotCapacity: () =>
    "Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity available that matches your request.",
  VcpuLimitExceeded: () =>
    "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
  InvalidImage: ({ imageId }) => `The image id '[${imageId}]' does not exist.`,
  InvalidInstanceProfile: () => "Invalid IAM Instance Profile name.",
  SecurityGroup: () => "The security group 'default' does not exist.",
  KmsKey: () =>
    "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: Client.InternalError: Client error on launch.",
};

/** Returns the message of an activity. An unknown name is used as the message itself. */
export function toLaunchError(name: string, attempt: Attempt): string {
  const known = LAUNCH_ERRORS[name];
  return known === undefined ? name : `${known(attempt)} Launching EC2 instance failed.`;
}

/** A target group by its ARN, or a classic load balancer by its name: what a group registers its instances with. */
export interface TrafficSourceRef extends Place {
  readonly kind: "targetGroup" | "classic";
  /** ARN of a target group, name of a classic load balancer. */
  readonly id: string;
}

/** When an instance answers a load balancer, in epoch milliseconds. */
export interface TargetCourse {
  /** From then on it answers well. */
  readonly healthyAt: number;
  /** From then on it does not any more. */
  readonly unhealthyAt?: number;
}

/** The load balancers, as Auto Scaling works with them. */
export interface TrafficSources {
  exists(source: TrafficSourceRef): boolean;
  register(source: TrafficSourceRef, instanceId: string, course: TargetCourse): void;
  /** Begins to drain; gives the instant at which the last connection is gone. */
  deregister(source: TrafficSourceRef, instanceId: string, now: number): number;
  /** Returns true if the load balancer reports it as healthy. */
  isHealthy(source: TrafficSourceRef, instanceId: string, now: number): boolean;
}

/** Errors of Auto Scaling, named as its client names them. Source: Auto Scaling API reference, the Errors of each operation. */
export const autoScalingFaults = {
  ...queryFaults,
  exists: (message: string) => new SimFault("AlreadyExistsFault", 400, message),
  limit: (message: string) => new SimFault("LimitExceededFault", 400, message),
  inUse: (message: string) => new SimFault("ResourceInUseFault", 400, message),
  active: () =>
    new SimFault(
      "ScalingActivityInProgressFault",
      400,
      "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.",
    ),
  token: () => new SimFault("InvalidNextToken", 400, "The token is not valid."),
  query: (message: string) => new SimFault("InvalidQueryParameter", 400, message),
  noGroup: (name: string) =>
    queryFaults.invalid(`AutoScalingGroup name not found - AutoScalingGroup '${name}' not found`),
  /** Formats a constraint of one field like Smithy services. */
  constraint: (field: string, value: unknown, rule: string) =>
    queryFaults.invalid(
      `1 validation error detected: Value '${value}' at '${field}' failed to satisfy constraint: Member must ${rule}`,
    ),
};
