import type { Failed } from "@stackyard/core";
import type { Limits } from "@stackyard/core/rollout";
import type { Planned } from "./begin-deployment.ts";
import type { Aims } from "./decide-row.ts";
import type { Deployment } from "./deploy-deps.ts";
import type { DeployRow, DeployState } from "./deploy-row.ts";
import type { Checks } from "./observe-waiting.ts";

/** Why a task has failed as a whole. */
export interface Fault {
  readonly code: string;
  readonly message: string;
}

/** The work of a task on its stacks. There are two: `createSending` and `createUndoing`. */
export interface Operation {
  readonly op: DeployState["op"];
  readonly eachMs: number;
  /** Send to stacks that have the values already. */
  readonly again: boolean;
  /** The machine of stacks that may be created. */
  readonly create: string | undefined;
  /** Stacks that have arrived are observed again before a wave, a retry and the end. */
  readonly observesArrived: boolean;
  /** Selects the stacks of a new entry. */
  plan(): Promise<(Planned & Pick<DeployState, "plan" | "approval">) | Failed>;
  /** Returns the values with which another attempt continues. */
  toRetried(state: DeployState): Pick<DeployState, "event" | "metadata" | "until" | "failed" | "plan" | "approval">;
  toLimits(state: DeployState): Limits;
  /** Returns the fewest stacks of each wave that must not be skipped as frozen. */
  toLeasts(state: DeployState): readonly number[];
  /** Returns what holds the events back. */
  toChecks(deployment: Deployment, aims: Aims): Checks;
  /** Returns why the task has failed, of a deployment of which all rows are loaded. */
  findFailure(deployment: Deployment): Fault | undefined;
  /** Writes down what the end of the task means for other tasks. */
  noteEnd(rows: readonly DeployRow[]): Promise<void>;
}
