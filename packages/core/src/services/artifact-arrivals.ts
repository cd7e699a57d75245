import { defineService, type ProvidedService, provideService, type ServiceKey } from "../ports/executor.ts";

/** Where one version of a build artifact has arrived. */
export interface ArtifactArrival {
  /** It has arrived wherever it is expected, and at least one consumer expects it. */
  readonly covered: boolean;
  /** Why the distributor does not publish it; then it has no cells. */
  readonly refusal?: { readonly code: string; readonly reason: string };
  readonly cells: readonly {
    readonly account: string;
    readonly region: string;
    /** `stored` and `present`: it has arrived. */
    readonly status: string;
  }[];
}

/** The arrivals of build artifacts, as the yard's distributor knows them. */
export interface ArtifactArrivals {
  /** Returns undefined for a version that was not published. Throws when the distributor cannot be asked. */
  find(artifact: { readonly name: string; readonly version: string }): Promise<ArtifactArrival | undefined>;
}

/** The service by which executors learn where build artifacts have arrived. */
export const ARTIFACT_ARRIVALS: ServiceKey<ArtifactArrivals> = defineService<ArtifactArrivals>("artifact-arrivals");

/** Returns the service for a worker. */
export function provideArtifactArrivals(arrivals: ArtifactArrivals): ProvidedService {
  return provideService(ARTIFACT_ARRIVALS, () => arrivals);
}

/** Returns what a distributor knows, by its answers about coverage. */
export function toArtifactArrivals(
  coverage: (artifact: { readonly name: string; readonly version: string }) => Promise<{
    readonly rows: readonly (ArtifactArrival & { readonly name: string; readonly version: string })[];
  }>,
): ArtifactArrivals {
  return {
    async find({ name, version }) {
      const { rows } = await coverage({ name, version });
      return rows.find((row) => row.name === name && row.version === version);
    },
  };
}
