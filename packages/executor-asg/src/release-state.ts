import type { Clock, Logger, Random } from "@stackyard/core";
import type { Release } from "./document/release.ts";
import type { ReleaseConstants } from "./presets.ts";

/**
 * The deployer's results so far, stored next to the requested release. JSON: it is the progress of an attempt and,
 * merged into the document, the state of a Step Functions execution.
 */
export interface ReleaseState {
  /** Id of this execution; owner of its locks. */
  readonly uuid: string;
  /** ISO 8601, by the deployer's clock. The timeout counts from here. */
  readonly started_at: string;
  /** The time for which the release was unwatched, in milliseconds. It does not count against the timeout. */
  readonly unwatched_ms?: number;
  /** True if every service was healthy at the last check. */
  readonly healthy: boolean;
  /** The longest slow start of all target groups, in seconds. */
  readonly wait_for_detach: number;
  readonly services: Readonly<Record<string, ServiceState>>;
  /** Set when the release ends. */
  readonly success?: boolean;
  /**
   * Fencing token of the lock. Increases with each release of the project and config, and is added as a tag to
   * everything that is created.
   */
  readonly fencing_token?: number;
  /** Names of the previous groups, as found when they were detached. */
  readonly old_groups?: readonly string[];
  /** Names of the groups that could not be deleted, because Auto Scaling was busy with them. */
  readonly left_groups?: readonly string[];
  /** The first error. Later ones are in `later_errors`. */
  readonly error?: StateError;
  readonly later_errors?: readonly StateError[];
  /** Id of the previous release, if any. */
  readonly previous_release_id?: string;
}

/** An error in the format of Step Functions. */
export interface StateError {
  /** A class name of the predecessor, such as `HaltError`. */
  readonly Error: string;
  readonly Cause: string;
}

/** State of one service. */
export interface ServiceState {
  /** Found by ValidateResources. */
  readonly resources?: ServiceResources;
  /** Desired capacity of the previous group. Missing without a previous group. */
  readonly previous_desired_capacity?: number;
  /** Name of the group that this release created. */
  readonly created_asg?: string;
  readonly healthy_report?: HealthReport;
  readonly healthy: boolean;
  /** Number of consecutive healthy checks. */
  readonly stable: number;
  /** Current step of a gated strategy, and since when it is healthy (epoch ms). */
  readonly step?: { readonly index: number; readonly healthySince?: number };
  /** Ids of this release's terminated instances; at most 200. */
  readonly terminated?: readonly string[];
  /** Reasons for failed launches and terminations, as reported by Auto Scaling; at most 10. */
  readonly causes?: readonly string[];
}

/** Resources that the names in a release refer to. */
export interface ServiceResources {
  readonly image: string;
  readonly profile_arn?: string;
  /** Name of the previous group. */
  readonly prev_asg_arn?: string;
  readonly security_groups: readonly string[];
  readonly elbs: readonly string[];
  readonly target_group_arns: readonly string[];
  readonly subnets: readonly string[];
  /** Resource label of each target group that a scaling policy tracks by requests. */
  readonly request_labels?: Readonly<Record<string, string>>;
}

/** Counts of one health check of a service. */
export interface HealthReport {
  readonly target_healthy: number;
  readonly target_launched: number;
  readonly healthy: number;
  /** All instances in the group, in any state. */
  readonly launching: number;
  readonly terminating: number;
  readonly terminating_ids: readonly string[];
  /** Desired capacity of the group before this check changed it. */
  readonly desired_capacity: number;
  readonly min_size: number;
}

/** A request to halt a release. */
export type HaltOrder =
  /** The predecessor's file. Applies to any running release of the project and config, for a few minutes. */
  | { readonly kind: "file"; readonly message: string; readonly modifiedAt: number }
  /** Stackyard's own request. Applies to one release until it is acknowledged. */
  | { readonly kind: "release"; readonly message: string; readonly by?: string; readonly at: number };

/** Dependencies of every state of a release. */
export interface ReleaseDeps {
  readonly constants: ReleaseConstants;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly target: ReleaseTarget;
  readonly memory: ReleaseMemory;
  /** Who deploys, and from which source revision, for tags and history; each may be missing. */
  readonly actor?: { readonly name?: string; readonly revision?: string };
  /** Prints a line of progress. */
  report(line: string): void;
}

/** The dependencies of a plain AWS call. */
export type AwsDeps = Pick<ReleaseDeps, "target" | "signal">;

/** The account and region of a release, reached through the assumed role. */
interface ReleaseTarget {
  readonly account: string;
  readonly region: string;
  readonly partition: string;
  client<Client>(type: new (config: never) => Client): Client;
}

/**
 * The deployer's storage outside the target: documents, halt requests and locks. A yard uses its records and leases;
 * with a bucket, it uses the predecessor's objects and, if configured, a lock table.
 */
export interface ReleaseMemory {
  /** True if clients store the document separately from the call. Both must be the same. */
  readonly isSecondChannel: boolean;
  /** Returns the document stored before the deployer was called, or undefined. Throws if it is not JSON. */
  loadDocument(release: ReleaseKey): Promise<unknown>;
  /** Returns the stored user data. The caller verifies its hash. */
  loadUserData(release: ReleaseKey): Promise<string | undefined>;
  /** Stores a document, for deployers that are their own client and for rollbacks. Does not overwrite. */
  storeDocument(release: ReleaseKey, stored: { readonly document: unknown; readonly userData?: string }): Promise<void>;
  /** Returns all halt requests for this release that are not acknowledged. Throws if they cannot be read. */
  listHalts(release: ReleaseKey): Promise<readonly HaltOrder[]>;
  /** Stores a halt request for the release. */
  orderHalt(release: ReleaseKey, order: { readonly message: string; readonly by?: string }): Promise<void>;
  /** Removes the halt file and acknowledges the requests for the release. */
  clearHalts(release: ReleaseKey, answer?: HaltAnswer): Promise<void>;
  readonly locks: ReleaseLocks;
}

/** Result of a halt request. Default: `obeyed`. */
export interface HaltAnswer {
  readonly outcome: "obeyed" | "too-late";
  readonly reason?: string;
}

/** The fields of a release that its paths and locks are built from. */
export type ReleaseKey = Pick<Release, "aws_account_id" | "project_name" | "config_name" | "release_id">;

/** The locks of a project and config. Either all of them are acquired or none. */
export interface ReleaseLocks {
  /**
   * Acquires the locks; idempotent for the same owner. `held` contains the owner and advice. Throws `LOCK_EXISTS` for
   * an error before anything was written, `LOCK_FAILED` if something may have been written.
   */
  acquire(release: ReleaseKey, owner: string): Promise<AcquireReleaseLock>;
  /**
   * Renews the locks. `released`: this owner has released them before; `lost`: another owner has them, or they were
   * removed.
   */
  renew(release: ReleaseKey, owner: string): Promise<"held" | "released" | "lost">;
  /**
   * Releases the locks. Succeeds if they do not exist or were released before. Throws `LOCK_FAILED` if the result is
   * unknown, or if another owner has them and `wasHeld` is true (default).
   */
  release(release: ReleaseKey, owner: string, options?: { readonly wasHeld?: boolean }): Promise<void>;
  /**
   * Makes the locks permanent, because the release may have left resources behind. From now on only this owner or a
   * person can remove them.
   */
  keep(release: ReleaseKey, owner: string): Promise<void>;
}

/** Result of acquiring the locks of a project and config. */
export type AcquireReleaseLock =
  | { readonly kind: "acquired"; readonly fencingToken: number }
  /** `used`: the release id was used before. `user`: a person has locked the project and config. */
  | { readonly kind: "held"; readonly what: "root" | "used" | "user"; readonly by: string; readonly message: string };

/** A release and its state. */
export interface ReleaseWork {
  readonly release: Release;
  readonly state: ReleaseState;
  /** The halt of this execution, such as its cancel. It counts in addition to the requests in memory. */
  readonly halt?: HaltOrder;
}

/** The task of a state: returns the new state or throws a `ReleaseError`. Can be repeated after a crash. */
export type ReleaseTask = (deps: ReleaseDeps, work: ReleaseWork) => Promise<ReleaseState>;
