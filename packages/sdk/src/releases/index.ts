export type { ReleasePlace } from "@stackyard/core/api";
export {
  type ProjectConfig,
  parseReleaseReport,
  type Release,
  type ReleaseEnd,
  type ReleaseFault,
  type ReleaseOperation,
  type ReleaseReport,
  type ServiceReport,
} from "./release.ts";
export {
  createReleasesClient,
  type NewRelease,
  type ReleaseCare,
  type ReleaseFilter,
  type ReleaseMemoryPlace,
  type ReleaseRequest,
  type ReleasesApi,
  type WaitForReleaseOptions,
  type WatchReleaseOptions,
} from "./releases-api.ts";
