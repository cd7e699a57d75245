import type { ArtifactConsumer, ArtifactCoverage, ArtifactRefresh, ArtifactReplay } from "@stackyard/core/api";
import { type CallOptions, type HttpClient, loadPage, type Page, type PageOptions, postJson } from "./http-client.ts";

/** Which versions at which consumers; omitted fields match everything. */
interface CoverageFilter extends PageOptions {
  readonly name?: string;
  readonly version?: string;
  readonly account?: string;
  readonly region?: string;
}

/** Build artifacts of the distributor in the server's configuration. Throws `NOT_CONFIGURED` without one. */
export interface YardArtifactsApi {
  /** Returns versions with their status at each consumer. */
  coverage(filter?: CoverageFilter): Promise<Page<ArtifactCoverage>>;
  consumers(page?: PageOptions): Promise<Page<ArtifactConsumer>>;
  /** Announces one version again, to one consumer or to all that lack it. */
  refresh(
    version: { readonly name: string; readonly version: string; readonly account?: string; readonly region?: string },
    options?: CallOptions,
  ): Promise<ArtifactRefresh>;
  /** Announces everything again that a consumer should have. Not repeated after a failure. */
  replay(
    consumer: {
      readonly account: string;
      readonly region: string;
      /** Published since then: ISO 8601. */
      readonly since?: string;
      /** Only of this name. */
      readonly artifact?: string;
    },
    options?: CallOptions,
  ): Promise<ArtifactReplay>;
}

/** Creates the part of the client for build artifacts. */
export function createYardArtifactsApi(http: HttpClient): YardArtifactsApi {
  const path = (name: string) => ["v1", "artifacts", name];
  return {
    coverage: (filter) => loadPage(http, path("coverage"), filter),
    consumers: (page) => loadPage(http, ["v1", "consumers"], page),
    refresh: (body, options) => postJson(http, path("refresh"), body, options),
    replay: (body, options) => postJson(http, path("replay"), body, { repeatable: false, ...options }),
  };
}
