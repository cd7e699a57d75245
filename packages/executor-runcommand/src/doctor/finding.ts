import type { InstanceFacts } from "./fleet-facts.ts";

/** What one look at a fleet has found. */
export interface FleetFinding {
  readonly check: "instances" | "agents" | "profiles" | "endpoints" | "metadata";
  readonly status: "ok" | "warn" | "fail";
  readonly message: string;
  /** What to do. */
  readonly hint?: string;
  readonly instanceIds?: readonly string[];
}

/** Ids that a message names; the finding has them all. */
const MAX_NAMED = 5;

/** A finding about some instances; none where there are none. */
export function findingOf(
  instances: readonly InstanceFacts[],
  { message, ...finding }: Omit<FleetFinding, "instanceIds">,
): readonly FleetFinding[] {
  if (instances.length === 0) return [];
  const instanceIds = instances.map(({ instanceId }) => instanceId);
  return [{ ...finding, message: `${message}: ${tellIds(instanceIds)}.`, instanceIds }];
}

function tellIds(ids: readonly string[]): string {
  const left = ids.length - MAX_NAMED;
  return `${ids.slice(0, MAX_NAMED).join(", ")}${left > 0 ? ` and ${left} more` : ""}`;
}
