import { type Stop, updateItems } from "@stackyard/core/rollout";
import type { Changes, Deployment } from "./deploy-deps.ts";
import { type DeployRow, toRow } from "./deploy-row.ts";

/** Replaces rows. */
export function withChanges(deployment: Deployment, changes: Changes): Deployment {
  if (changes.size === 0) return deployment;
  const changed = updateItems(deployment, toRow, (row) => changes.get(row.stack) ?? row);
  const restedAt = addRests(deployment.state.restedAt, changes);
  return restedAt === undefined ? changed : { ...changed, state: { ...changed.state, restedAt } };
}

/** Notes when the unchanged stacks of each wave had come to rest: its pause counts from then. */
function addRests(before: Deployment["state"]["restedAt"], changes: Changes): Deployment["state"]["restedAt"] {
  let rests = before;
  for (const { wave, restedAt = 0 } of changes.values()) {
    if (restedAt > (rests?.[wave] ?? 0)) rests = { ...rests, [wave]: restedAt };
  }
  return rests;
}

/** Returns rows by their stacks. */
export function toChanges(rows: readonly DeployRow[]): Changes {
  return new Map(rows.map((row) => [row.stack, row]));
}

/** Lets the deployment send nothing more. The first reason stays. */
export function withStop(deployment: Deployment, stop: Stop): Deployment {
  return { ...deployment, state: { ...deployment.state, stop: deployment.state.stop ?? stop } };
}
