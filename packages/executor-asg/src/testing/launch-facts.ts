import type { LaunchFacts } from "../launch/launch-facts.ts";
import { PRESETS } from "../release-constants.ts";
import type { ServiceResources } from "../release-state.ts";
import { aRelease, aService, aState } from "./a-release.ts";

/** What the names of a service mean. */
export function someResources(over: Partial<ServiceResources> = {}): ServiceResources {
  return {
    image: "ami-1",
    security_groups: ["sg-1"],
    elbs: [],
    target_group_arns: [],
    subnets: ["subnet-1", "subnet-2"],
    ...over,
  };
}

/** The facts of the service `web` of a release. */
export function someLaunchFacts(over: Partial<LaunchFacts> = {}): LaunchFacts {
  return {
    constants: PRESETS.odin,
    release: aRelease(),
    state: aState(),
    service: aService(),
    resources: someResources(),
    serviceId: "org/shop-production-2026-01-01T00-00-00Z-web",
    ...over,
  };
}
