import type { DeployStack } from "@stackyard/sdk";

/** Returns the stacks of a release, each once: what has failed first, then what is on its way, then the others in their order. */
export function toMovingFirst(items: readonly DeployStack[], moving: readonly DeployStack[]): readonly DeployStack[] {
  const failed = items.filter(({ state }) => state === "failed");
  const isFailed = new Set(failed.map(({ stackId }) => stackId));
  const sent = moving.filter(({ stackId }) => !isFailed.has(stackId));
  const isSaid = new Set([...isFailed, ...sent.map(({ stackId }) => stackId)]);
  return [...failed, ...sent, ...items.filter(({ stackId }) => !isSaid.has(stackId))];
}
