import type { Limits } from "@stackyard/core/rollout";
import type { Aims } from "./decide-row.ts";
import type { Deployment } from "./deploy-deps.ts";
import type { DeployRow } from "./deploy-row.ts";
import type { Checks } from "./observe-waiting.ts";

/** The input of one call of the executor about a deployment. */
export interface Call {
  readonly aims: Aims;
  readonly checks: Checks;
  readonly limits: Limits;
  /** The fewest stacks of each wave that must not be skipped as frozen. */
  readonly leasts: readonly number[];
  /** The machine of a stack that may be created. */
  readonly create?: string;
  /** Stacks that have arrived are observed again before a wave, a retry and the end. */
  readonly observesArrived: boolean;
  /** False: waiting rows are not observed this time, unless there is something else to do. */
  readonly observesWaiting: boolean;
  /** A call may have died between writing rows and sending their events. */
  readonly repeats: boolean;
  readonly isCancelled: boolean;
}

/** A deployment in the course of one call: each step of the call takes one, and returns the next. */
export interface Course {
  readonly deployment: Deployment;
  /** It is not written yet. */
  readonly hasChanged: boolean;
  /** Waiting rows are observed by the next look. */
  readonly observesWaiting: boolean;
  /** Stacks that have arrived were observed again in this call. */
  readonly hasObservedArrived?: true;
  /** The next instant at which a hold may open. */
  readonly until?: number;
  /** The reason why something that must be known before the end cannot be read. */
  readonly unknown?: string;
}

/** A course after a look. */
export interface Seen extends Course {
  /** Rows that may be sent to now. */
  readonly ready: readonly DeployRow[];
}
