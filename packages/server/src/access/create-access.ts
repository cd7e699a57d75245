import { randomBytes } from "node:crypto";
import { defined } from "@stackyard/core";
import { type AuditWriter, createAuditWriter, type SecretPrefix } from "@stackyard/core/access";
import { isLoopbackHost, type ServerDeps, type ServerSettings } from "../server-options.ts";
import { type ApiTokens, createApiTokens } from "./api-tokens.ts";
import {
  type Authenticator,
  type Caller,
  type CallerFinder,
  type CallerFinderDeps,
  createCallerFinder,
} from "./caller.ts";
import { createDenials, type Denials } from "./denials.ts";
import { createGuard, type Guard } from "./guard.ts";
import { createLogins, type Logins } from "./logins.ts";
import { createSubjectFinder, type SubjectFinder } from "./reach.ts";

/** Who may do what on a server. */
export interface Access {
  readonly logins: Logins;
  readonly callers: CallerFinder;
  readonly guard: Guard;
  readonly subjects: SubjectFinder;
  readonly audit: AuditWriter;
  readonly denials: Denials;
  /** The API tokens; undefined when the server has none. */
  readonly tokens: ApiTokens | undefined;
}

interface AccessDeps extends ServerDeps {
  /** Finds the name of a configured token. */
  readonly findConfigured: CallerFinderDeps["findConfigured"];
}

/** Creates what decides about requests: configured tokens, API tokens and sessions of logins. Denied requests are recorded. */
export function createAccess(deps: AccessDeps, settings: ServerSettings): Access {
  const { records } = deps.store;
  const audit = createAuditWriter({ ...deps, records });
  const tokens = createApiTokens({
    ...deps,
    records,
    audit,
    grants: settings.access?.grants ?? [],
    // Tokens that others have made end with them.
    onRevoked: () => callers.forget(isToken),
  });
  const { people, workloads, grants } = settings.access ?? {};
  const logins = createLogins(
    {
      ...deps,
      records: deps.loginRecords ?? records,
      audit: deps.loginRecords === undefined ? audit : createAuditWriter({ ...deps, records: deps.loginRecords }),
      random: randomBytes,
      authenticate: (request) => callers.authenticate(request),
      onEnded: (ids) =>
        callers.forget((caller) => isToken(caller) || (caller.sessionId !== undefined && ids.has(caller.sessionId))),
    },
    {
      ...defined({ url: settings.url, workloads, grants, local: settings.local, yardName: settings.yardName }),
      tokens: settings.tokens.map(({ name }) => name),
      hasTokenCodes: hasTokenCodes(settings),
      ...(people && { people: { ...people, ...defined({ clientSecret: settings.clientSecret }) } }),
    },
  );
  const ofTokens: readonly [SecretPrefix, Authenticator][] = settings.apiTokens ? [["syt_", tokens.authenticate]] : [];
  const callers: CallerFinder = createCallerFinder({
    clock: deps.clock,
    findConfigured: deps.findConfigured,
    authenticators: new Map([...logins.authenticators, ...ofTokens]),
    findCookie: logins.findCookie,
    kinds: new Map(settings.tokens.map(({ name, kind = "token" }) => [name, kind])),
    ...defined({ grants }),
  });
  const guard = createGuard(deps);
  return {
    logins,
    callers,
    guard,
    subjects: createSubjectFinder({ ...deps, guard }),
    audit,
    denials: createDenials({ ...deps, audit, findSender: callers.findSender }),
    tokens: settings.apiTokens ? tokens : undefined,
  };
}

/**
 * Returns true if configured tokens may make codes for people: where an issuer signs people in, a token must not be a way
 * around it. On other addresses than the loopback, browsers need the server's address.
 */
function hasTokenCodes({ access, local, tokens, url, host }: ServerSettings): boolean {
  const isReachable = url !== undefined || isLoopbackHost(host);
  return access?.people === undefined && local === undefined && tokens.length > 0 && isReachable;
}

function isToken({ sender }: Caller): boolean {
  return sender.kind === "token";
}
