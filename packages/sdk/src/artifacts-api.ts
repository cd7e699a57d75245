import type { ArtifactConsumer, ArtifactCoverage, ArtifactRefresh, ArtifactReplay } from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import { call, callPage } from "./call.ts";
import type { CallOptions, HttpClient, Page, PageOptions } from "./http-client.ts";

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
  return {
    coverage: (filter) => callPage<typeof op.listArtifactCoverage>(http, "GET /v1/artifacts/coverage", {}, filter),
    consumers: (page) => callPage<typeof op.listConsumers>(http, "GET /v1/consumers", {}, page),
    refresh: (body, options) => call<typeof op.refreshArtifact>(http, "POST /v1/artifacts/refresh", { body }, options),
    replay(body, options) {
      const once = { repeatable: false, ...options };
      return call<typeof op.replayArtifacts>(http, "POST /v1/artifacts/replay", { body }, once);
    },
  };
}
