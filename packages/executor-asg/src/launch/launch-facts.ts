import type { Release, Service } from "../document/release.ts";
import type { ReleaseConstants } from "../release-constants.ts";
import type { ReleaseState, ServiceResources } from "../release-state.ts";

/** All that the requests of one service are made of. */
export interface LaunchFacts {
  readonly constants: ReleaseConstants;
  readonly release: Release;
  readonly state: ReleaseState;
  readonly service: Service;
  readonly resources: ServiceResources;
  /** Name of the group, and what the names of all that belongs to it begin with. */
  readonly serviceId: string;
  /** Who deploys, and which source revision; each as far as it is known. */
  readonly actor?: { readonly name?: string; readonly revision?: string };
}
