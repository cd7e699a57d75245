import type { StateVersion, TerraformState } from "@stackyard/core/api";
import type { PageOptions } from "./http-client.ts";
import { type CallOptions, type HttpClient, loadPage, type Page, postJson } from "./http-client.ts";

/** Which Terraform states to list. */
interface StateFilter extends PageOptions {
  /** Keys that begin so. */
  readonly prefix?: string;
}

/** Terraform states in the yard's state backend. */
export interface StatesApi {
  /** Returns states in order of their keys. */
  list(filter?: StateFilter): Promise<Page<TerraformState>>;
  /** Throws `NOT_FOUND`. */
  get(key: string, options?: CallOptions): Promise<TerraformState>;
  /** Returns the content of a version, which may contain secrets. Needs `states:read`; recorded in the audit log. */
  version(key: string, version: number, options?: CallOptions): Promise<string>;
  /** Makes an old version the newest. Throws `RECORD_CONFLICT` while the state is locked. Not retried on failure. */
  restore(key: string, version: number, options?: CallOptions): Promise<StateVersion>;
  /** Breaks the lock with that id. Throws `RECORD_CONFLICT` for another one. */
  unlock(key: string, lockId: string, options?: CallOptions): Promise<TerraformState>;
}

/** Creates the part of the client for Terraform states. */
export function createStatesApi(http: HttpClient): StatesApi {
  const toPath = (key: string, ...rest: readonly string[]) => ["v1", "terraform", "states", key, ...rest];
  return {
    list: (filter) => loadPage(http, ["v1", "terraform", "states"], filter),
    get: (key, options) => http.requestJson({ path: toPath(key), ...options }),
    version: (key, version, options) =>
      http.requestText({ path: toPath(key, "versions", String(version)), ...options }),
    restore: (key, version, options) =>
      postJson(http, toPath(key, "restore"), { version }, { repeatable: false, ...options }),
    unlock: (key, id, options) => postJson(http, toPath(key, "unlock"), { id }, options),
  };
}
