import type { SimActivity } from "./activity.ts";
import type { LaunchScript } from "./launch-script.ts";
import type { LifecycleAction } from "./lifecycle-hooks.ts";
import type { TemplateRef } from "./template-ref.ts";
import type { TargetCourse } from "./traffic-source.ts";

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
  /** When its stage ends, or has to be looked at. */
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

/** Its LifecycleState. */
export function lifecycleStateOf({ stage, actions }: SimMember): string {
  return stage === "shuttingDown" && actions.length > 0 ? "Terminating:Proceed" : LIFECYCLE_STATES[stage];
}

/** Does the group still count on it? */
export function isAlive({ stage }: SimMember): boolean {
  return stage === "booting" || stage === "launchHook" || stage === "serving";
}

const BOOT_MS = 30_000;
const HEALTHY_MS = 20_000;

/** When it has booted. */
export function bootedAt({ launchedAt, script }: SimMember): number {
  return launchedAt + (script.bootMs ?? BOOT_MS);
}

/** When its EC2 status checks fail. */
export function diesAt({ launchedAt, script }: SimMember): number {
  return launchedAt + (script.diesAfterMs ?? Number.POSITIVE_INFINITY);
}

/** How load balancers find it when it is registered at an instant. */
export function toCourse(member: SimMember, registeredAt: number): TargetCourse {
  const { launchedAt, script } = member;
  const answersAt =
    script.healthyAfterMs === undefined ? bootedAt(member) + HEALTHY_MS : launchedAt + script.healthyAfterMs;
  const healthyAt = script.neverHealthy ? Number.POSITIVE_INFINITY : Math.max(registeredAt, answersAt);
  if (script.failsAfterMs === undefined) return { healthyAt };
  return { healthyAt, unhealthyAt: launchedAt + script.failsAfterMs };
}
