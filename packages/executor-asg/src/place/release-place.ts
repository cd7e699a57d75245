import type { ProjectConfig, Release } from "@stackyard/sdk/releases";
import type { ReleaseConstants } from "../release-constants.ts";

/** A release that is ready to be sent. */
export interface DeployOrder {
  readonly document: Readonly<Record<string, unknown>>;
  readonly userData?: string;
  /** Wait for the release that holds the lock. */
  readonly queue?: boolean;
  readonly revision?: string;
}

/** Which releases are listed; what is left out does not matter. */
export interface PlaceFilter {
  readonly at?: Partial<ProjectConfig>;
  /** Epoch ms: those that began later. */
  readonly since?: number;
  readonly failed?: boolean;
  readonly limit: number;
}

/** What is done about a project-config beside deploying. */
export interface CareOrder {
  readonly at: ProjectConfig;
  readonly reason?: string;
}

/** How an operation without a release of its own has ended. */
export interface CareAnswer {
  readonly isDone: boolean;
  /** One or more lines for people. */
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Where releases are deployed: a yard, or a deployer under Step Functions. */
export interface ReleasePlace {
  /** For messages. */
  readonly name: string;
  /** The release that runs exactly there. */
  findRunning(at: ProjectConfig): Promise<Release | undefined>;
  deploy(order: DeployOrder): Promise<Release>;
  /** With its report. Throws `NOT_FOUND`. */
  get(id: string): Promise<Release>;
  halt(release: Release, order: { readonly message: string; readonly by: string }): Promise<void>;
  /** The newest first. */
  list(filter: PlaceFilter): Promise<readonly Release[]>;
  rollback(order: CareOrder & { readonly releaseId?: string }): Promise<Release>;
  repair(
    order: CareOrder & { readonly remove: boolean; readonly force?: boolean; readonly keep?: string },
  ): Promise<CareAnswer>;
  lock(order: CareOrder & { readonly reason: string; readonly by: string }): Promise<CareAnswer>;
  unlock(order: CareOrder & { readonly root: boolean; readonly by: string }): Promise<CareAnswer>;
}

/** What every place is opened with. */
export interface PlaceOptions {
  readonly preset: string;
  readonly constants: ReleaseConstants;
  /** Who types. */
  readonly by: string;
  readonly signal: AbortSignal;
}
