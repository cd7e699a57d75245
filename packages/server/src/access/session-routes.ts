import { StackyardError } from "@stackyard/core";
import { decideAccess } from "@stackyard/core/access";
import * as operations from "@stackyard/core/api/operations";
import type { Route } from "../http/route.ts";
import { reply, type ServeDeps, serve } from "../http/serve.ts";
import { pageOfReadable } from "../routes/readable-page.ts";
import { pageInput, toPage } from "../routes/to-page.ts";
import type { Caller } from "./caller.ts";
import { withKnownOwners } from "./known-owners.ts";
import type { Logins } from "./logins.ts";
import { type Session, toSessionView } from "./sessions.ts";

/** Defines `/v1/sessions`: the caller's own, and with the permission `access` those of others. */
export function sessionRoutes(
  { context, sessions }: Pick<Logins, "context" | "sessions">,
  { cursors }: Pick<ServeDeps, "cursors">,
): readonly Route[] {
  const deps = { audit: context.audit, cursors };
  return [
    serve(deps, operations.listSessions, async ({ query }, { caller }) => {
      const show = async (items: readonly Session[]) => ({
        views: items.map((session) => (isWithinReach(session, caller) ? session : undefined)),
      });
      const found = await pageOfReadable({ list: (page) => sessions.list(page), show }, pageInput(query));
      const toView = (session: Session) => toSessionView(session, caller.sessionId);
      return reply(200, toPage(withKnownOwners(caller, found, "access"), { toView, toId: ({ id }) => id }));
    }),
    serve(deps, operations.revokeSession, async ({ params: { sessionId } }, { caller, audit }) => {
      const session = await sessions.get(sessionId);
      if (session === undefined || !isWithinReach(session, caller)) throw unknownSession(sessionId);
      const ended = await audit({ on: { sessionId } }, () => sessions.end(sessionId));
      context.onEnded(new Set(ended.map(({ id }) => id)));
      return reply(200, toSessionView(session, caller.sessionId));
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
