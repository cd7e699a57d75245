import { type Clock, defined, type Logger, type Records, StackyardError } from "@stackyard/core";
import { type AuditLog, createAuditLog, type AuditLine as Line, type Sender } from "@stackyard/core/access";
import { AuditHead, AuditLine } from "@stackyard/core/api";
import { Type } from "typebox";
import { defineRoute, json, type Route, streamTexts } from "../http/route.ts";
import { pageOf, pageQuery, toInstant } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

/** Defines the routes of the audit log. No route changes or deletes a line, and each read of lines is recorded. */
export function auditRoutes({ audit, ...deps }: RouteDeps): readonly Route[] {
  const log = createAuditLog(deps);
  /** Throws before the response starts if the read cannot be recorded. */
  const note = (action: string, who: Sender) => audit.write({ action, outcome: "done", who, via: "api", on: {} });
  return [listRoute(log, note), exportRoute(log, note), headRoute(log)];
}

type Note = (action: string, who: Sender) => Promise<unknown>;

const filterQuery = {
  who: Type.Optional(Type.String({ minLength: 1, maxLength: 512, description: "The id or the name of a sender." })),
  action: Type.Optional(
    Type.String({ minLength: 1, maxLength: 255, description: "Such as CANCEL_TASK or revokeToken." }),
  ),
  stack: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: "The id of a stack." })),
  since: Type.Optional(Type.String({ maxLength: 64, description: "ISO 8601 with Z or an offset: not earlier." })),
};

function listRoute(log: AuditLog, note: Note): Route {
  return defineRoute("GET", "/v1/audit", {
    operationId: "listAudit",
    permission: "audit",
    subject: "yard",
    audited: true,
    tag: "audit",
    summary: "Lines of the audit log, newest first. Lines of the last second may be missing.",
    query: { ...filterQuery, ...pageQuery },
    answers: { 200: { description: "A page; it may be short and have a cursor.", schema: pageOf(AuditLine) } },
    async handle({ query: { who, action, stack, since, ...page } }, { sender }) {
      const filter = defined({ who, action, stackId: stack, since: since === undefined ? since : parseInstant(since) });
      await note("listAudit", sender);
      const found = await log.list(filter, pageInput(page));
      return json(200, toPage(found, { toView: toLine, toId: ({ seq }) => String(seq) }));
    },
  });
}

const INSTANT = /^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:\d\d))?$/;

function parseInstant(text: string): number {
  const at = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new StackyardError("USAGE", `"since" is not an instant: ${JSON.stringify(text)}. Write 2026-11-20T08:00:00Z.`);
}

function toLine({ at, ...line }: Line) {
  return { ...line, at: toInstant(at) };
}

function exportRoute(log: AuditLog, note: Note): Route {
  return defineRoute("GET", "/v1/audit/export", {
    operationId: "exportAudit",
    permission: "audit",
    subject: "yard",
    audited: true,
    tag: "audit",
    summary:
      "All lines of the audit log, oldest first, one JSON object a line. The hash of a line is the SHA-256 of its text.",
    longLived: true,
    answers: { 200: { description: "Lines of JSON.", mediaType: "application/x-ndjson" } },
    async handle(_, { sender }) {
      await note("exportAudit", sender);
      return streamTexts(listLines(log), { "content-type": "application/x-ndjson" });
    },
  });
}

async function* listLines(log: AuditLog): AsyncGenerator<string, void> {
  for await (const text of log.readTexts()) yield `${text}\n`;
}

function headRoute(log: AuditLog): Route {
  return defineRoute("GET", "/v1/audit/head", {
    operationId: "getAuditHead",
    permission: "audit",
    subject: "yard",
    tag: "audit",
    summary: "Where the audit log begins and ends: keep it elsewhere, and a missing end is noticed.",
    answers: { 200: { description: "The head.", schema: AuditHead } },
    handle: async () => json(200, await log.head()),
  });
}

const HOUR_MS = 3_600_000;

/** Logs the head of the audit log each hour, until the signal is aborted: who removes lines does not reach the logs. */
export async function logAuditHead(
  { records, clock, logger }: { readonly records: Records; readonly clock: Clock; readonly logger: Logger },
  signal: AbortSignal,
): Promise<void> {
  const log = createAuditLog({ records, clock });
  while (!signal.aborted) {
    try {
      const { seq, hash } = await log.head();
      if (seq > 0) logger.info("The audit log ends here.", { seq, hash });
    } catch (error) {
      logger.warn("The head of the audit log could not be read.", { error });
    }
    await clock.sleep(HOUR_MS, signal);
  }
}
