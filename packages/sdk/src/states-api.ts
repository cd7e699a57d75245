import { defined } from "@stackyard/core";
import type { StateVersion, TerraformState, UnsavedRun } from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import { call, callPage } from "./call.ts";
import type { CallOptions, HttpClient, Page, PageOptions } from "./http-client.ts";

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
  /**
   * Makes an old version the newest. Throws `RECORD_CONFLICT` while the state is locked, and when another version than `seen`
   * is current (null: none was). Not retried on failure.
   */
  restore(
    key: string,
    version: number,
    options?: CallOptions & { readonly seen?: number | null | undefined },
  ): Promise<StateVersion>;
  /** Breaks the lock with that id. Throws `RECORD_CONFLICT` for another one. */
  unlock(key: string, lockId: string, options?: CallOptions): Promise<TerraformState>;
  /** Returns runs that have not saved their states, in order of states. */
  unsaved(filter?: StateFilter): Promise<Page<UnsavedRun>>;
  /** Makes the unsaved state of a run the newest. Throws `RECORD_CONFLICT` when it cannot be. Not retried on failure. */
  push(key: string, runId: string, options?: CallOptions): Promise<StateVersion>;
  /** Gives up what a run may have left. Throws `RECORD_CONFLICT` while the run works. */
  dismiss(key: string, runId: string, options?: CallOptions & { readonly reason?: string }): Promise<UnsavedRun>;
}

/** Creates the part of the client for Terraform states. */
export function createStatesApi(http: HttpClient): StatesApi {
  return {
    list: (filter) => callPage<typeof op.listTerraformStates>(http, "GET /v1/terraform/states", {}, filter),
    get: (key, options) =>
      call<typeof op.getTerraformState>(http, "GET /v1/terraform/states/:key", { params: { key } }, options),
    version: (key, version, options) =>
      http.requestText({ path: ["v1", "terraform", "states", key, "versions", String(version)], ...options }),
    restore(key, version, { seen, ...options } = {}) {
      const given = { params: { key }, body: { version, ...defined({ seen }) } };
      const once = { repeatable: false, ...options };
      return call<typeof op.restoreTerraformState>(http, "POST /v1/terraform/states/:key/restore", given, once);
    },
    unlock(key, id, options) {
      const given = { params: { key }, body: { id } };
      return call<typeof op.unlockTerraformState>(http, "POST /v1/terraform/states/:key/unlock", given, options);
    },
    unsaved: (filter) => callPage<typeof op.listUnsavedRuns>(http, "GET /v1/terraform/unsaved", {}, filter),
    push(key, id, options) {
      const given = { params: { key, id } };
      const once = { repeatable: false, ...options };
      return call<typeof op.pushUnsavedState>(http, "POST /v1/terraform/states/:key/unsaved/:id/push", given, once);
    },
    dismiss(key, id, { reason, ...options } = {}) {
      const wire = "POST /v1/terraform/states/:key/unsaved/:id/dismiss";
      return call<typeof op.dismissUnsavedRun>(http, wire, { params: { key, id }, body: defined({ reason }) }, options);
    },
  };
}
