import type { Clock, Logger, Random } from "@stackyard/core";
import type { Release } from "./document/release.ts";
import type { HaltOrder } from "./halt/decide-halt.ts";
import type { ReleaseConstants } from "./release-constants.ts";
import type { ReleaseState } from "./release-state.ts";

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
export interface ReleaseTarget {
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
