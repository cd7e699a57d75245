import type { CustomResourceRun } from "@stackyard/core/api";
import { type CallOptions, type HttpClient, loadPage, type Page, type PageOptions } from "./http-client.ts";

/** Requests of CloudFormation to resources of the type `Custom::ECSTask`. Throws `NOT_CONFIGURED` where the server cannot read them. */
export interface CustomResourcesApi {
  /** Returns them, the newest first. */
  list(page?: PageOptions): Promise<Page<CustomResourceRun>>;
  /** Throws `NOT_FOUND`. */
  get(id: string, options?: CallOptions): Promise<CustomResourceRun>;
}

/** Creates the part of the client for custom resources. */
export function createCustomResourcesApi(http: HttpClient): CustomResourcesApi {
  const path = ["v1", "custom-resources"];
  return {
    list: (page) => loadPage(http, path, page),
    get: (id, options) => http.requestJson({ path: [...path, id], ...options }),
  };
}
