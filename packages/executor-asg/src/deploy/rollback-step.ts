import type { WatchedTime } from "@stackyard/core";
import { joinSentences, type ReleaseFailureCode } from "../release-errors.ts";
import type { ReleaseDeps, ReleaseKey } from "../release-state.ts";

/** Input of a rollback. */
export interface RollbackInput {
  readonly at: Omit<ReleaseKey, "release_id">;
  /** The release to be left; default: the one that runs. */
  readonly releaseId?: string;
  /** Id of this rollback, stable over redeliveries: owner of the locks, and their release id. */
  readonly uuid: string;
  /** Seconds in which the old servers must become healthy. Default: 600. */
  readonly timeoutSeconds?: number;
}

/** State of a rollback after a call. */
export type RollbackStep =
  | {
      readonly kind: "running";
      readonly progress: RollbackProgress;
      readonly waitSeconds: number;
      readonly message: string;
    }
  /**
   * No group was kept. The locks are released; this document, with a new id and time, is deployed as a normal release.
   */
  | {
      readonly kind: "redeploy";
      readonly document: unknown;
      readonly userData?: string;
      readonly previousReleaseId: string;
    }
  | { readonly kind: "succeeded"; readonly releaseId: string; readonly groups: readonly string[] }
  | {
      readonly kind: "failed";
      readonly code: ReleaseFailureCode;
      readonly message: string;
      /** Groups of both releases may exist, and the locks are kept. */
      readonly dirty: boolean;
    };

/** Fields that identify the locks, halt requests and documents of a rollback. */
export function toRollbackKey({ at, uuid }: RollbackInput): ReleaseKey {
  return { ...at, release_id: uuid };
}

/** Progress of a rollback. JSON: it is the progress of an attempt. */
export interface RollbackProgress {
  /** `healing`: the kept groups are attached again. `leaving`: the others are detached and deleted. */
  readonly phase: "healing" | "leaving";
  /** Start of the phase, epoch ms. */
  readonly beganAt: number;
  /** The release that is rolled back. */
  readonly releaseId: string;
  /** The release that returns. */
  readonly previousReleaseId: string;
  /** Names of the returning groups. */
  readonly kept: readonly string[];
  /** Names of the groups to delete. */
  readonly left: readonly string[];
  /** The polls of the phase `healing` so far. */
  readonly watched?: WatchedTime;
}

/** Goes on after some seconds, and says why. */
export function running(
  { report }: ReleaseDeps,
  progress: RollbackProgress,
  waitSeconds: number,
  message: string,
): RollbackStep {
  report(message);
  return { kind: "running", progress, waitSeconds, message };
}

/** The release stays in service; nothing has changed. */
export function givenUp({ releaseId }: RollbackProgress, code: ReleaseFailureCode, why: string): RollbackStep {
  const message = joinSentences([why, `Release "${releaseId}" stays in service, and the old groups are kept.`]);
  return { kind: "failed", code, message, dirty: false };
}

/** The earlier release is in service. */
export function succeeded({ previousReleaseId, kept }: RollbackProgress): RollbackStep {
  return { kind: "succeeded", releaseId: previousReleaseId, groups: kept };
}

/** Releases the locks, at an end that leaves no question open. */
export async function endRollback({ memory, logger }: ReleaseDeps, input: RollbackInput): Promise<void> {
  const key = toRollbackKey(input);
  await memory.clearHalts(key).catch((error: unknown) => logger.warn("cannot clear halt requests", { error }));
  await memory.locks.release(key, input.uuid);
}
