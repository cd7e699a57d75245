import { toAwsError } from "@stackyard/aws";
import { type Clock, type Logger, type Random, StackyardError } from "@stackyard/core";
import type { Release } from "./document/release.ts";

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

/** An order to stop. */
export type HaltOrder =
  /** The predecessor's file, addressed to whatever release of the project-config runs; it counts for some minutes. */
  | { readonly kind: "file"; readonly message: string; readonly modifiedAt: number }
  /** Ours, addressed to one release; it counts until it is obeyed. */
  | { readonly kind: "release"; readonly message: string; readonly by?: string; readonly at: number };

/** What decides whether a release goes on. Instants in epoch ms. */
export interface HaltInput {
  /** By the deployer's clock. */
  readonly now: number;
  /** When the release was validated. */
  readonly startedAt: number;
  /** As the document has it: the seed's time-out counts from there. Default: `startedAt`. */
  readonly createdAt?: number;
  readonly timeoutSeconds: number;
  /** All orders that were found. */
  readonly halts: readonly HaltOrder[] | "unreadable";
  /** Default: `odin`. */
  readonly generation?: ReleaseConstants["generation"];
}

/** Whether a release goes on. */
export type HaltDecision =
  /** `unreadable`: nobody knows whether there is an order; to be logged, and looked at again. */
  | { readonly kind: "go-on"; readonly unreadable: boolean }
  | { readonly kind: "halt"; readonly code: "RELEASE_TIMED_OUT" | "RELEASE_HALTED"; readonly message: string };

const FILE_COUNTS_FOR_MS = 5 * 60_000;
const CLOCKS_DIFFER_BY_MS = 2 * 60_000;

/**
 * Whether a release has to stop. Its time-out comes first, then orders to this release, then the predecessor's file,
 * which counts only when it is younger than five minutes and not two minutes or more ahead. Orders that cannot be read
 * halt nothing: storage that fails for a moment must not tear down a release, and the next look is seconds away.
 */
export function decideHalt(input: HaltInput): HaltDecision {
  const isSeed = input.generation === "step-asg-deployer";
  const began = isSeed ? (input.createdAt ?? input.startedAt) : input.startedAt;
  if (input.now > began + input.timeoutSeconds * 1_000) {
    return { kind: "halt", code: "RELEASE_TIMED_OUT", message: "Timeout: Halting Release" };
  }
  if (input.halts === "unreadable") return { kind: "go-on", unreadable: true };
  const order = findOrder(input.halts, input.now);
  if (order === undefined) return { kind: "go-on", unreadable: false };
  return { kind: "halt", code: "RELEASE_HALTED", message: toMessage(order, isSeed) };
}

function findOrder(halts: readonly HaltOrder[], now: number): HaltOrder | undefined {
  const own = halts.filter((order) => order.kind === "release").toSorted((one, other) => one.at - other.at);
  return own[0] ?? halts.find((order) => order.kind === "file" && counts(order.modifiedAt, now));
}

function counts(modifiedAt: number, now: number): boolean {
  return modifiedAt > now - FILE_COUNTS_FOR_MS && modifiedAt < now + CLOCKS_DIFFER_BY_MS;
}

function toMessage(order: HaltOrder, isSeed: boolean): string {
  if (order.kind === "release") return order.message || `Halted by ${order.by || "an operator"}`;
  // The seed writes the word "halt" into it, which says nothing.
  return isSeed || order.message === "" ? "Halt File Found" : order.message;
}

/** What every state of a release works with. */
export interface ReleaseDeps {
  readonly constants: ReleaseConstants;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly target: ReleaseTarget;
  readonly memory: ReleaseMemory;
  /** Who deploys, and which source revision, for tags and history; each as far as it is known. */
  readonly actor?: { readonly name?: string; readonly revision?: string };
  /** A line of progress for people. */
  report(line: string): void;
}

/** The account and region that a release goes to, through the assumed role. */
interface ReleaseTarget {
  readonly account: string;
  readonly region: string;
  readonly partition: string;
  client<Client>(type: new (config: never) => Client): Client;
}

/**
 * What the deployer keeps outside of the target: documents, halts and locks. In a yard: its records and leases. With a bucket:
 * the predecessor's objects, and a lock table where there is one.
 */
export interface ReleaseMemory {
  /** Documents are put there by whoever may deploy, apart from the call: what comes with the call must be the same. */
  readonly isSecondChannel: boolean;
  /** The document as it was stored before the deployer was called. `undefined`: there is none. Throws where it is no JSON. */
  loadDocument(release: ReleaseKey): Promise<unknown>;
  /** As it stands now; the caller hashes it. */
  loadUserData(release: ReleaseKey): Promise<string | undefined>;
  /** For deployers that are their own client, and for a release back. What is there already stays. */
  storeDocument(release: ReleaseKey, stored: { readonly document: unknown; readonly userData?: string }): Promise<void>;
  /** All orders that concern this release and are not acknowledged. Throws where they cannot be read. */
  listHalts(release: ReleaseKey): Promise<readonly HaltOrder[]>;
  /** Addresses an order to the release. */
  orderHalt(release: ReleaseKey, order: { readonly message: string; readonly by?: string }): Promise<void>;
  /** The run that obeyed, or ended, takes the file away and acknowledges orders addressed to the release. */
  clearHalts(release: ReleaseKey, answer?: HaltAnswer): Promise<void>;
  readonly locks: ReleaseLocks;
}

/** What became of an order to halt. Default: `obeyed`. */
export interface HaltAnswer {
  readonly outcome: "obeyed" | "too-late";
  readonly reason?: string;
}

/** What paths and locks of a release are made of. */
export type ReleaseKey = Pick<Release, "aws_account_id" | "project_name" | "config_name" | "release_id">;

/** The locks of a project-config, all of them taken or none. */
export interface ReleaseLocks {
  /**
   * Idempotent for the same owner. `held`: by whom, and what to do. Throws `LOCK_EXISTS` for an error before anything can have
   * been written, `LOCK_FAILED` where something may have been.
   */
  acquire(release: ReleaseKey, owner: string): Promise<AcquireReleaseLock>;
  /** The heartbeat. `released`: this owner has given it back; `lost`: it went to somebody else, or somebody removed it. */
  renew(release: ReleaseKey, owner: string): Promise<"held" | "released" | "lost">;
  /**
   * Not there, or given back before: released. Throws `LOCK_FAILED` where nobody knows, and where somebody else has them, unless they were
   * never this owner's: `wasHeld`, by default true.
   */
  release(release: ReleaseKey, owner: string, options?: { readonly wasHeld?: boolean }): Promise<void>;
  /** The release may have left something behind: from now on only a person gives the locks back, or this owner. */
  keep(release: ReleaseKey, owner: string): Promise<void>;
}

/** The answer to the request for the locks of a project-config. */
export type AcquireReleaseLock =
  | { readonly kind: "acquired"; readonly fencingToken: number }
  /** `used`: a release id can be used once. `user`: a person has locked the project-config. */
  | { readonly kind: "held"; readonly what: "root" | "used" | "user"; readonly by: string; readonly message: string };

/** One release on its way. */
export interface ReleaseWork {
  readonly release: Release;
  readonly state: ReleaseState;
}

/** What a state does: gives what is known afterwards, or throws a `ReleaseError`. Each can be repeated after a crash. */
export type ReleaseTask = (deps: ReleaseDeps, work: ReleaseWork) => Promise<ReleaseState>;

/** What an installation of the deployer calls its things. One of the presets, or one's own. */
export interface ReleaseConstants {
  /** Which generation of documents, paths and rules. */
  readonly generation: "odin" | "step-asg-deployer";
  /** Value of the tag `DeployWith` on images and subnets that everybody may use. */
  readonly optInTag: string;
  /** Root of the paths of instance profiles, such as `/odin/`. */
  readonly profileRoot: string;
  /** Root of the names of placement groups, such as `odin/`. */
  readonly placementRoot: string;
  /** A bucket is called so and the deployer's account after it. */
  readonly bucketPrefix: string;
  /** The role that the deployer assumes in each account. */
  readonly assumedRole: string;
  /** The lock table is called as the deployer's function and so. */
  readonly lockTableSuffix: string;
  /** Value of a tag, or level of a path, that stands for all; `undefined`: there is none. */
  readonly wildcard: string | undefined;
  /** Type of a first volume whose document names none. */
  readonly volumeType: "gp2" | "gp3";
}

const STACKYARD: ReleaseConstants = {
  generation: "odin",
  optInTag: "stackyard",
  profileRoot: "/stackyard/",
  placementRoot: "stackyard/",
  bucketPrefix: "stackyard-releases-",
  assumedRole: "stackyard-releases-assumed",
  lockTableSuffix: "-locks",
  wildcard: "_all",
  volumeType: "gp3",
};

/** The installations that are known by name: ours, and those of both predecessors, whose resources work unchanged. */
export const PRESETS = {
  stackyard: STACKYARD,
  odin: {
    ...STACKYARD,
    optInTag: "odin",
    profileRoot: "/odin/",
    placementRoot: "odin/",
    bucketPrefix: "coinbase-odin-",
    assumedRole: "coinbase-odin-assumed",
    volumeType: "gp2",
  },
  "step-asg-deployer": {
    ...STACKYARD,
    generation: "step-asg-deployer",
    optInTag: "step-asg-deployer",
    profileRoot: "/",
    bucketPrefix: "coinbase-step-asg-deployer-",
    assumedRole: "coinbase-step-asg-deployer-assumed",
    wildcard: undefined,
    volumeType: "gp2",
  },
} as const satisfies Readonly<Record<string, ReleaseConstants>>;

/** Name of a preset. */
export type PresetName = keyof typeof PRESETS;

/** What goes wrong in a release: the predecessor's class on its wire, and our code for it. */
export const RELEASE_FAILURES = {
  RELEASE_UNREADABLE: "UnmarshalError",
  BAD_RELEASE: "BadReleaseError",
  LOCK_EXISTS: "LockExistsError",
  LOCK_FAILED: "LockError",
  DEPLOY_FAILED: "DeployError",
  HEALTH_CHECK_FAILED: "HealthError",
  RELEASE_HALTED: "HaltError",
  RELEASE_TIMED_OUT: "HaltError",
  INSTANCES_TERMINATED: "HaltError",
  DETACH_FAILED: "DetachError",
  CLEAN_UP_FAILED: "CleanUpError",
  TASK_UNKNOWN: "TaskError",
  RELEASE_PANIC: "PanicError",
} as const;

/** Our code. */
export type ReleaseFailureCode = keyof typeof RELEASE_FAILURES;
/** The predecessor's class, as states of Step Functions catch it. */
export type ReleaseErrorClass = (typeof RELEASE_FAILURES)[ReleaseFailureCode];

/** A state of a release has failed. Its class decides which state is next. */
export class ReleaseError extends StackyardError {
  readonly releaseCode: ReleaseFailureCode;
  readonly errorClass: ReleaseErrorClass;
  /** What the state had found out nevertheless, such as the health of the other services. */
  readonly partial: ReleaseState | undefined;

  constructor(
    code: ReleaseFailureCode,
    message: string,
    { partial, ...options }: ErrorOptions & { readonly partial?: ReleaseState } = {},
  ) {
    super("OUTCOME_NEGATIVE", message, options);
    this.releaseCode = code;
    this.partial = partial;
    this.errorClass = RELEASE_FAILURES[code];
  }
}

/**
 * What ended a call of AWS as the failure of a state: what was tried (a sentence), what AWS said, and what to do. A failure of a
 * state stays what it is. What could be repeated has been repeated by the client before.
 */
export function toReleaseError(code: ReleaseFailureCode, error: unknown, what: string, advice?: string): ReleaseError {
  if (error instanceof ReleaseError) return error;
  return new ReleaseError(code, toAwsError(error, what, advice).message, { cause: error });
}
