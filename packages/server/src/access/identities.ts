import { defined, StackyardError } from "@stackyard/core";
import {
  findGrants,
  type Grant,
  type GrantReceiver,
  OLD_RIGHTS,
  type Rights,
  type Sender,
  toCredential,
  toGroups,
  toRights,
} from "@stackyard/core/access";
import type { Authenticator, Caller } from "./caller.ts";
import type { Session, Sessions } from "./sessions.ts";
import { findCodeRights } from "./token-codes.ts";

/** The part of a session from which rights follow. */
export type Identity = Pick<Session, "subject" | "token" | "role" | "workload" | "claims"> & {
  readonly sender: Sender;
};

/** Finds what an identity may do. Empty: no grant fits. */
export function findRights(
  { sender, subject, token, role, workload, claims }: Identity,
  grants: readonly Grant[],
): { readonly rights: Rights; readonly groups: readonly string[] } {
  const { kind, groups } = sender;
  if (token !== undefined) return { rights: findCodeRights({ token, role }, grants), groups };
  // Groups are passed to try approvals and grants; without any grant they remove no rights.
  if (kind === "local" && (groups.length === 0 || grants.length === 0)) return { rights: OLD_RIGHTS, groups };
  if (kind !== "workload") {
    const receiver: GrantReceiver = { kind: "person", groups, ...defined({ subject }) };
    return { rights: toRights(findGrants(grants, receiver), grants), groups };
  }
  const own = findGrants(grants, { kind: "workload", name: workload ?? "", claims: claims ?? {} });
  return { rights: toRights(own, grants), groups: toGroups(own) };
}

/** Throws `NO_GRANT` for an identity without rights. `notes` may explain what it lacks. */
export function checkGranted(identity: Identity, grants: readonly Grant[], notes: readonly string[] = []): void {
  if (findRights(identity, grants).rights.length > 0) return;
  const { kind, name, groups } = identity.sender;
  const having = groups.length === 0 ? "" : ` of ${groups.join(", ")}`;
  const claims = Object.entries(identity.claims ?? {}).map(([key, value]) => `${key} ${String(value)}`);
  const what = kind === "workload" && claims.length > 0 ? ` with ${claims.join(", ")}` : having;
  const message = [`No grant fits ${name}${what}. Add one to access.grants.`, ...notes].join(" ");
  throw new StackyardError("NO_GRANT", message);
}

interface AuthenticatorDeps {
  readonly sessions: Sessions;
  readonly grants: readonly Grant[];
  /** The names of the configured tokens. A login with a code ends when its token is removed. */
  readonly tokens: ReadonlySet<string>;
}

/** Finds the caller of a session's secret. The secret of a cookie is not accepted as a bearer token, nor the other way round. */
export function createSessionAuthenticator({ sessions, grants, tokens }: AuthenticatorDeps): Authenticator {
  return async ({ via, secret }, lookUp) => {
    const session = await (lookUp === "use" ? sessions.use(secret) : sessions.find(secret));
    if (session === undefined || (session.kind === "browser") !== (via === "cookie")) return undefined;
    if (session.token !== undefined && !tokens.has(session.token)) return undefined;
    return toCaller(session, via, grants);
  };
}

/** Returns the workload of a session, with the repository's number from the claims of GitHub or GitLab. */
function toWorkload({ workload: name, claims = {} }: Session): Caller["workload"] {
  if (name === undefined) return undefined;
  const id = claims["repository_id"] ?? claims["project_id"];
  return { name, ...defined({ repositoryId: id === undefined ? undefined : String(id) }) };
}

function toCaller(session: Session, via: Caller["via"], grants: readonly Grant[]): Caller {
  const { rights, groups } = findRights(session, grants);
  const sender = { ...session.sender, groups, credential: toCredential("session", session.id) };
  const workload = toWorkload(session);
  return { sender, rights, via, expiresAt: session.endsAt, sessionId: session.id, ...defined({ workload }) };
}
