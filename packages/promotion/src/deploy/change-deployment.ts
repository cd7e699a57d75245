import { type Stop, updateItems } from "@stackyard/core/rollout";
import type { Changes, Deployment } from "./deploy-deps.ts";
import { type DeployRow, toRow } from "./deploy-row.ts";

/** Replaces rows. */
export function withChanges(deployment: Deployment, changes: Changes): Deployment {
  return changes.size === 0 ? deployment : updateItems(deployment, toRow, (row) => changes.get(row.stack) ?? row);
}

/** Returns rows by their stacks. */
export function toChanges(rows: readonly DeployRow[]): Changes {
  return new Map(rows.map((row) => [row.stack, row]));
}

/** Lets the deployment send nothing more. The first reason stays. */
export function withStop(deployment: Deployment, stop: Stop): Deployment {
  return { ...deployment, state: { ...deployment.state, stop: deployment.state.stop ?? stop } };
}
