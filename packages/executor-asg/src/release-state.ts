/**
 * What the deployer has found out and done so far, beside the release that was asked for. JSON: it is the progress of an attempt
 * and, merged into the document, the state of an execution of Step Functions.
 */
export interface ReleaseState {
  /** Of this execution: the owner of its locks. */
  readonly uuid: string;
  /** ISO 8601, by the deployer's clock: the time-out counts from here. */
  readonly started_at: string;
  /** Every service was healthy at the last look. */
  readonly healthy: boolean;
  /** The largest slow start of all target groups, in seconds. */
  readonly wait_for_detach: number;
  readonly services: Readonly<Record<string, ServiceState>>;
  /** Only at the end. */
  readonly success?: boolean;
  /** Of the lock: grows with each release of the project-config. Tagged onto what is created. */
  readonly fencing_token?: number;
  /** Names of the groups that were there before, as they were found when they were detached. */
  readonly old_groups?: readonly string[];
  /** The first error stays; later ones are in `later_errors`. */
  readonly error?: StateError;
  readonly later_errors?: readonly StateError[];
  /** Of the release that was there before, where there was one. */
  readonly previous_release_id?: string;
}

/** An error as Step Functions keeps it. */
export interface StateError {
  /** A class name of the predecessor, such as `HaltError`. */
  readonly Error: string;
  readonly Cause: string;
}

/** What is known of one service. */
export interface ServiceState {
  /** Found by ValidateResources. */
  readonly resources?: ServiceResources;
  /** Of the previous group; absent: there is none. */
  readonly previous_desired_capacity?: number;
  /** Name of the group that this release made. */
  readonly created_asg?: string;
  readonly healthy_report?: HealthReport;
  readonly healthy: boolean;
  /** Healthy looks in a row. */
  readonly stable: number;
  /** Of a gated strategy: which step, healthy since when (epoch ms). */
  readonly step?: { readonly index: number; readonly healthySince?: number };
  /** Ids of instances of this release that were seen or told to have ended; at most 200. */
  readonly terminated?: readonly string[];
  /** Why instances did not come or went, as Auto Scaling says it; at most 10. */
  readonly causes?: readonly string[];
}

/** What the names in a release mean in its account. */
export interface ServiceResources {
  readonly image: string;
  readonly profile_arn?: string;
  /** Name of the previous group. */
  readonly prev_asg_arn?: string;
  readonly security_groups: readonly string[];
  readonly elbs: readonly string[];
  readonly target_group_arns: readonly string[];
  readonly subnets: readonly string[];
  /** By target group: how a policy on its requests names it. Only where a policy does. */
  readonly request_labels?: Readonly<Record<string, string>>;
}

/** Counts of one look at a service. */
export interface HealthReport {
  readonly target_healthy: number;
  readonly target_launched: number;
  readonly healthy: number;
  /** All instances in the group, in any state. */
  readonly launching: number;
  readonly terminating: number;
  readonly terminating_ids: readonly string[];
  /** Of the group, before this look changed it. */
  readonly desired_capacity: number;
  readonly min_size: number;
}
