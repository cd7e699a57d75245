import type { CustomResourceRun } from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import { call, callPage } from "./call.ts";
import type { CallOptions, HttpClient, Page, PageOptions } from "./http-client.ts";

/** Requests of CloudFormation to resources of the type `Custom::ECSTask`. Throws `NOT_CONFIGURED` where the server cannot read them. */
export interface CustomResourcesApi {
  /** Returns them, the newest first. */
  list(page?: PageOptions): Promise<Page<CustomResourceRun>>;
  /** Throws `NOT_FOUND`. */
  get(id: string, options?: CallOptions): Promise<CustomResourceRun>;
}

/** Creates the part of the client for custom resources. */
export function createCustomResourcesApi(http: HttpClient): CustomResourcesApi {
  return {
    list: (page) => callPage<typeof op.listCustomResourceRuns>(http, "GET /v1/custom-resources", {}, page),
    get: (id, options) =>
      call<typeof op.getCustomResourceRun>(http, "GET /v1/custom-resources/:id", { params: { id } }, options),
  };
}
