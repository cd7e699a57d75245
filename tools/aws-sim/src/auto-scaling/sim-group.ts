import type { SimActivity } from "./activity.ts";
import type { SimMember } from "./sim-member.ts";
import type { TemplateRef } from "./template-ref.ts";
import type { TrafficSourceRef } from "./traffic-source.ts";

/** An Auto Scaling group as the simulation keeps it. It changes as time passes. */
export interface SimGroup {
  readonly account: string;
  readonly region: string;
  readonly name: string;
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
  /** Suspended processes and why. */
  readonly suspended: Map<string, string>;
  /** Group metrics that are collected. */
  readonly metrics: Set<string>;
  /** When it looks at its capacity next. */
  scaleAt: number;
  /** Launches that failed one after the other. */
  failures: number;
  /** What changed its capacity, in the words of activities, until an activity tells it. */
  changes: readonly string[];
  /** Somebody deleted it by force; it goes with its last instance. */
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

/** Load balancers that new instances are registered with. */
export function activeSources({ sources }: SimGroup): readonly TrafficSourceRef[] {
  return sources.filter(({ removedAt }) => removedAt === undefined).map(({ ref }) => ref);
}
