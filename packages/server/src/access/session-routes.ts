import { StackyardError } from "@stackyard/core";
import { decideAccess } from "@stackyard/core/access";
import { Session as SessionView } from "@stackyard/core/api";
import { Type } from "typebox";
import { defineRoute, json, type Route } from "../http/route.ts";
import { pageInput, toPage } from "../routes/to-page.ts";
import { pageOf, pageQuery } from "../schemas/event.ts";
import type { Caller } from "./caller.ts";
import { withKnownOwners } from "./known-owners.ts";
import type { Logins } from "./logins.ts";
import { type Session, toSessionView } from "./sessions.ts";

/** Defines `/v1/sessions`: the caller's own, and with the permission `access` those of others. */
export function sessionRoutes({ context, sessions }: Pick<Logins, "context" | "sessions">): readonly Route[] {
  return [
    defineRoute("GET", "/v1/sessions", {
      operationId: "listSessions",
      permission: "signed-in",
      subject: "none",
      tag: "access",
      summary: "Logins that have not ended: your own, and with the permission `access` those of others.",
      query: pageQuery,
      answers: { 200: { description: "In order of ids.", schema: pageOf(SessionView) } },
      async handle({ query }, { caller }) {
        const page = withKnownOwners(caller, await sessions.list(pageInput(query)), "access");
        const items = page.items.filter((session) => isWithinReach(session, caller));
        const toView = (session: Session) => toSessionView(session, caller.sessionId);
        return json(200, toPage({ ...page, items }, { toView, toId: ({ id }) => id }));
      },
    }),
    defineRoute("POST", "/v1/sessions/:sessionId/revoke", {
      operationId: "revokeSession",
      permission: "signed-in",
      subject: "none",
      audited: true,
      tag: "access",
      summary: "End a login: on this server at once, on others within 5 s.",
      params: { sessionId: Type.String({ pattern: "^[0-9a-f]{32}$" }) },
      answers: { 200: { description: "The session as it was.", schema: SessionView } },
      async handle({ params: { sessionId } }, { caller }) {
        const session = await sessions.get(sessionId);
        if (session === undefined || !isWithinReach(session, caller)) throw unknownSession(sessionId);
        const action = { action: "revokeSession", who: caller.sender, via: "api", on: { sessionId } };
        const ended = await context.audit.run(action, () => sessions.end(sessionId));
        context.onEnded(new Set(ended.map(({ id }) => id)));
        return json(200, toSessionView(session, caller.sessionId));
      },
    }),
  ];
}

function isWithinReach({ sender }: Session, caller: Caller): boolean {
  if (sender.kind === caller.sender.kind && sender.id === caller.sender.id) return true;
  return decideAccess(caller.rights, "access", { kind: "yard" }) === "allowed";
}

function unknownSession(id: string): StackyardError {
  return new StackyardError("NOT_FOUND", `Session "${id}" does not exist or has ended.`);
}
