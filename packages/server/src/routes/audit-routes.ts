import { defined, StackyardError } from "@stackyard/core";
import { type AuditLog, createAuditLog, type AuditLine as Line, type Sender } from "@stackyard/core/access";
import * as operations from "@stackyard/core/api/operations";
import { defineRoute, type Route, streamTexts } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toInstant } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

/** Defines the routes of the audit log. No route changes or deletes a line, and each read of lines is recorded. */
export function auditRoutes(deps: RouteDeps): readonly Route[] {
  const log = createAuditLog(deps);
  /** Throws before the response starts if the read cannot be recorded. */
  const note = (action: string, who: Sender) => deps.audit.write({ action, outcome: "done", who, via: "api", on: {} });
  return [
    serve(deps, operations.listAudit, async ({ query: { who, action, stack, since, ...page } }, { sender }) => {
      const filter = defined({ who, action, stackId: stack, since: since === undefined ? since : parseInstant(since) });
      await note("listAudit", sender);
      const found = await log.list(filter, pageInput(page));
      return reply(200, toPage(found, { toView: toLine, toId: ({ seq }) => String(seq) }));
    }),
    exportRoute(log, note),
    serve(deps, operations.getAuditHead, async () =>
      reply(200, { ...(await log.head()), ...(await log.signedHead()) }),
    ),
  ];
}

type Note = (action: string, who: Sender) => Promise<unknown>;

const INSTANT = /^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:\d\d))?$/;

function parseInstant(text: string): number {
  const at = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new StackyardError("USAGE", `"since" is not an instant: ${JSON.stringify(text)}. Write 2026-11-20T08:00:00Z.`);
}

function toLine({ at, on, ...line }: Line) {
  return { ...line, on: { ...on }, at: toInstant(at) };
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
