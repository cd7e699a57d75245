import type { ReleaseKey } from "../release-deps.ts";
import type { ReleaseFailureCode } from "../release-error.ts";
import type { RollbackProgress } from "./rollback-progress.ts";

/** What is asked for: one step back in a project-config. */
export interface RollbackInput {
  readonly at: Omit<ReleaseKey, "release_id">;
  /** The release to be left; default: the one that runs. */
  readonly releaseId?: string;
  /** Of this rollback, the same over redeliveries: owner of the locks, and the release id that they are taken for. */
  readonly uuid: string;
  /** In which the old servers must be healthy again. Default: 600. */
  readonly timeoutSeconds?: number;
}

/** How a rollback stands after a call. */
export type RollbackStep =
  | {
      readonly kind: "running";
      readonly progress: RollbackProgress;
      readonly waitSeconds: number;
      readonly message: string;
    }
  /** No group was kept. The locks are given back; this document, with a new id and time, is to be released in the ordinary way. */
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
      /** Groups of both releases may stand, and the locks are kept. */
      readonly dirty: boolean;
    };

/** What the locks, halts and documents of a rollback are found by. */
export function toRollbackKey({ at, uuid }: RollbackInput): ReleaseKey {
  return { ...at, release_id: uuid };
}
