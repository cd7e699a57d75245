import type { ExecutorContext, Stack } from "@stackyard/core";
import type { YardService } from "@stackyard/core/engine";
import type { Paged, Pages } from "@stackyard/core/rollout";
import type { CreateHolds } from "../hold.ts";
import type { DeployRow, DeployState } from "./deploy-row.ts";
import type { RowsOwner } from "./rows.ts";

/** A rollout with those of its rows that are loaded. */
export type Deployment = Paged<DeployRow, DeployState>;

/** The dependencies of one call of the executor. */
export interface DeployDeps {
  readonly ctx: ExecutorContext;
  readonly yard: YardService;
  /** The stack of the task. */
  readonly release: Stack;
  readonly owner: RowsOwner;
  /** The entry of the release, and the attempt of the task in it. */
  readonly entry: number;
  readonly attempt: number;
  readonly rows: Pages<DeployRow, DeployState>;
  readonly createHolds: CreateHolds;
}

/** Replaces rows by those of the same stacks; the same deployment without any. */
export type Changes = ReadonlyMap<string, DeployRow>;
