export { createReleasesClient } from "./create-releases-client.ts";
export type { NewRelease, ReleaseCare, ReleaseMemoryPlace, ReleaseRequest } from "./new-release.ts";
export { parseReleaseReport } from "./parse-release-report.ts";
export type { ProjectConfig, Release } from "./release.ts";
export type { ReleaseEnd, ReleaseFault, ReleaseOperation, ReleaseReport, ServiceReport } from "./release-report.ts";
export type { ReleaseFilter, ReleasesApi, WaitForReleaseOptions } from "./releases-api.ts";
export type { WatchReleaseOptions } from "./watch-release.ts";
