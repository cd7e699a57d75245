import type { Session } from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import { call, callPage } from "./call.ts";
import type { CallOptions, HttpClient, Page, PageOptions } from "./http-client.ts";

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
    list: (page) => callPage<typeof op.listSessions>(http, "GET /v1/sessions", {}, page),
    revoke: (sessionId, options) =>
      call<typeof op.revokeSession>(http, "POST /v1/sessions/:sessionId/revoke", { params: { sessionId } }, options),
  };
}
