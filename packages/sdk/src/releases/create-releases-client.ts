import type { StackyardOptions } from "../http-client.ts";
import { createRunsClient } from "../runs/create-runs-client.ts";
import { createReleasesApi, type ReleasesApi } from "./releases-api.ts";

/** The releases of a yard, for programs, pipelines and pages; imports nothing of Node. */
export function createReleasesClient(options: StackyardOptions): ReleasesApi {
  return createReleasesApi(createRunsClient(options));
}
