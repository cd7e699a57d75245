import type { AuditHead, AuditLine } from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import { call, callPage } from "./call.ts";
import type { CallOptions, HttpClient, Page, PageOptions } from "./http-client.ts";

/** Which lines to list; omitted fields match everything. */
export interface AuditFilter extends PageOptions {
  /** The id or the name of a sender. */
  readonly who?: string;
  /** Such as `CANCEL_TASK` or `revokeToken`. */
  readonly action?: string;
  readonly stack?: string;
  /** ISO 8601 with `Z` or an offset. */
  readonly since?: string;
}

/** Who did what: needs the permission `audit`. Each read of lines leaves a line itself. */
export interface AuditApi {
  /** Returns lines, newest first. A page may be empty and have a cursor. */
  list(filter?: AuditFilter): Promise<Page<AuditLine>>;
  /** Returns the first and the last position of the log. */
  head(options?: CallOptions): Promise<AuditHead>;
  /** Yields the texts of all lines, oldest first: the SHA-256 of a text is the `prev` of the next line. */
  export(options?: CallOptions): AsyncGenerator<string, void, undefined>;
}

/** Creates the part of the client for the audit log. */
export function createAuditApi(http: HttpClient): AuditApi {
  return {
    list: (filter) => callPage<typeof op.listAudit>(http, "GET /v1/audit", {}, filter),
    head: (options) => call<typeof op.getAuditHead>(http, "GET /v1/audit/head", {}, options),
    async *export(options) {
      const headers = { accept: "application/x-ndjson" };
      const response = await http.openStream({ path: ["v1", "audit", "export"], ...options }, headers);
      if (response.body !== null) yield* readLines(response.body);
    },
  };
}

async function* readLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, undefined> {
  let rest = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
