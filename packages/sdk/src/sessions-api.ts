import type { Session } from "@stackyard/core/api";
import type { PageOptions } from "./http-client.ts";
import { type CallOptions, type HttpClient, loadPage, type Page, postJson } from "./http-client.ts";

/** Logins that have not ended: your own, and with the permission `access` those of others. */
export interface SessionsApi {
  /** Returns sessions in order of ids. */
  list(page?: PageOptions): Promise<Page<Session>>;
  /** Ends a login: on that server immediately, on others within 5 s. Throws `NOT_FOUND`. */
  revoke(sessionId: string, options?: CallOptions): Promise<Session>;
}

/** Creates the part of the client for sessions. */
export function createSessionsApi(http: HttpClient): SessionsApi {
  return {
    list: (page) => loadPage(http, ["v1", "sessions"], page),
    revoke: (sessionId, options) => postJson(http, ["v1", "sessions", sessionId, "revoke"], {}, options),
  };
}
