import type { Clock } from "@stackyard/core";
import type { ReleaseConstants } from "../release-constants.ts";
import type { LockFiles } from "./lock-files.ts";
import type { StrongLock } from "./strong-lock.ts";

/** Where the locks are, and how long they last without a heartbeat. */
export interface ReleaseLocksOptions {
  readonly files: LockFiles;
  readonly clock: Clock;
  readonly generation: ReleaseConstants["generation"];
  /** The predecessor's table, where there is one. */
  readonly strong?: StrongLock;
  /**
   * Longer than the longest time in which nobody looks: the slow start of a target group, 15 min, under Step Functions.
   * Default: 30 min.
   */
  readonly leaseMs?: number;
  /** Who deploys, for the person who is refused. */
  readonly by?: string;
  /** What the command that unlocks needs to find the locks, such as `--region`, `eu-west-1`. Default: nothing. */
  readonly unlockWords?: readonly string[];
}
