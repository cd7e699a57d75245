import { checkAgents } from "./check-agents.ts";
import { checkEndpoints } from "./check-endpoints.ts";
import { checkMetadata } from "./check-metadata.ts";
import { checkProfiles } from "./check-profiles.ts";
import type { FleetFinding } from "./finding.ts";
import type { FleetFacts } from "./fleet-facts.ts";

/** Everything that is found about a fleet, in the order in which one mends it. Pure. */
export function checkFleet(facts: FleetFacts, options: { readonly needsTags: boolean }): readonly FleetFinding[] {
  const { instances } = facts;
  if (instances.length === 0) {
    const hint = "Look at the tag's key and values, at the states of the instances, and at account and region.";
    return [{ check: "instances", status: "fail", message: "No instance that runs has the tag.", hint }];
  }
  return [
    { check: "instances", status: "ok", message: `${instances.length} run and have the tag.` },
    ...checkAgents(instances),
    ...checkProfiles(facts),
    ...checkEndpoints(facts),
    ...checkMetadata(instances, options),
  ];
}
