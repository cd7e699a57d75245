import { type Clock, defined, isStackyardError, type Logger, type Records, StackyardError } from "@stackyard/core";
import type { AuditWriter, Grant, SecretPrefix } from "@stackyard/core/access";
import type { Context, Hono } from "hono";
import { HttpError, toProblemInput } from "../http/problem.ts";
import { json } from "../http/route.ts";
import type { LocalPerson } from "../server-options.ts";
import {
  type AuthContext,
  type AuthHandler,
  auditDenial,
  beginSession,
  checkOurPage,
  findBrowserSession,
  notConfigured,
  readForm,
  toAuthPage,
  toSessionCookie,
} from "./auth-context.ts";
import { errorBody, homeBody, localBody, signedInBody } from "./auth-pages.ts";
import {
  type BrowserPlace,
  findBrowserRefusal,
  findCookie,
  portOf,
  toCookieNames,
  toReturnPath,
} from "./browser-guard.ts";
import type { Authenticate, Authenticator, RequestFacts } from "./caller.ts";
import {
  answerDeviceGrant,
  createCodePageHandler,
  createConfirmHandler,
  createDeviceHandler,
  type DeviceDeps,
} from "./device-login.ts";
import { createSessionAuthenticator } from "./identities.ts";
import { createIssuerClient, type IssuerOptions } from "./issuer-client.ts";
import { createJwtVerifier } from "./jwt-verifier.ts";
import { explainUnanswered } from "./login-errors.ts";
import {
  createDeviceLogins,
  createLocalCodes,
  createPendingLogins,
  LOGIN_MS,
  type LocalCodes,
} from "./pending-logins.ts";
import {
  createBackchannelHandler,
  createCallbackHandler,
  createLoginHandler,
  createLogoutHandler,
  createSignedInHandler,
  type PeopleDeps,
  wantsPage,
} from "./people-login.ts";
import { createRateLimit, type RateLimit } from "./rate-limits.ts";
import { createSessions, type NewSession, type Sessions } from "./sessions.ts";
import { createTokenCodes, type TokenCodes } from "./token-codes.ts";
import { createTokenExchange, type TokenExchange, type WorkloadOptions } from "./token-exchange.ts";

/** Who may sign in, and where. */
export interface LoginOptions {
  /** `server.url`. Without it, browsers come by the loopback. */
  readonly url?: string;
  readonly people?: IssuerOptions;
  readonly workloads?: readonly WorkloadOptions[];
  readonly grants?: readonly Grant[];
  /** The person at this machine, with `stackyard dev`. */
  readonly local?: LocalPerson;
  /** The names of the configured tokens. */
  readonly tokens?: readonly string[];
  /** True if configured tokens may make one-time codes for people. */
  readonly hasTokenCodes?: boolean;
  /** Shown on the pages of a sign-in. */
  readonly yardName?: string;
}

interface LoginDeps {
  readonly records: Records;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly audit: AuditWriter;
  /** Returns cryptographically random bytes. */
  readonly random: (bytes: number) => Uint8Array;
  /** Returns the caller of a request with a credential: programs with the data folder's token get local codes. */
  readonly authenticate: Authenticate;
  readonly onEnded: AuthContext["onEnded"];
}

/** The logins of a server. */
export interface Logins {
  readonly context: AuthContext;
  readonly sessions: Sessions;
  readonly authenticators: ReadonlyMap<SecretPrefix, Authenticator>;
  /**
   * Returns the secret in the cookie of a request. Throws `FORBIDDEN` for requests that pages of others made, and `USAGE` when
   * there is a credential too.
   */
  findCookie(request: Request): string | undefined;
  /** Mounts `/auth/*`. */
  mount(app: Hono, findFacts: (c: Context) => RequestFacts): void;
}

const CALLS_A_MINUTE = 60;

/** Creates the logins of a server. Libraries of OpenID Connect are loaded at the first login. */
export function createLogins(deps: LoginDeps, options: LoginOptions): Logins {
  const { records, clock, logger, random, audit, onEnded } = deps;
  const { grants = [], local } = options;
  const sessions = createSessions({ records, clock, random });
  const codes = createLocalCodes({ records, clock, random });
  const findPlace = createPlaceFinder(options.url);
  const tokenCodes = options.hasTokenCodes ? createTokenCodes({ ...deps, grants }) : undefined;
  const ways = {
    people: options.people !== undefined,
    code: (local ?? tokenCodes) !== undefined,
    ...defined({ issuer: options.people && URL.parse(options.people.issuer)?.host }),
  };
  const context: AuthContext = {
    sessions,
    grants,
    audit,
    logger,
    random,
    onEnded,
    findPlace,
    ways,
    yardName: options.yardName,
  };
  const people = options.people && createPeople(options.people, deps);
  const devices: DeviceDeps = {
    devices: createDeviceLogins({ records, clock, random }),
    enabled: ways.people || ways.code,
  };
  const workloads = createTokenExchange(context, { workloads: options.workloads ?? [], clock });
  const authenticator = createSessionAuthenticator({ sessions, grants, tokens: new Set(options.tokens) });
  const limit = createRateLimit("calls of /auth", CALLS_A_MINUTE);
  const failures = createRateLimit("failed calls of /auth/token", CALLS_A_MINUTE);
  const routes: readonly [method: "GET" | "POST", path: string, handler: AuthHandler][] = [
    ["GET", "/auth/ways", async () => json(200, { ...ways, yard: context.yardName })],
    ["GET", "/auth/login", createLoginHandler(context, people)],
    ["GET", "/auth/callback", createCallbackHandler(context, people)],
    ["GET", "/auth/signed-in", createSignedInHandler(context)],
    ["POST", "/auth/logout", createLogoutHandler(context, people)],
    ["POST", "/auth/backchannel-logout", createBackchannelHandler(context, people)],
    ["POST", "/auth/device", createDeviceHandler(context, devices)],
    ["GET", "/auth/confirm", createCodePageHandler(context)],
    ["POST", "/auth/confirm", createConfirmHandler(context, devices)],
    ["GET", "/auth/local", createLocalPageHandler(context)],
    ["POST", "/auth/local", createLocalHandler(context, { local, codes, tokenCodes, authenticate: deps.authenticate })],
  ];
  return {
    context,
    sessions,
    authenticators: new Map([
      ["sys_", authenticator],
      ["syw_", authenticator],
    ]),
    findCookie: (request) => findSessionCookie(context, request),
    mount(app, findFacts) {
      const answer = (c: Context, handler: AuthHandler) => guarded(context, handler, c.req.raw, findFacts(c));
      for (const [method, path, handler] of routes) app.on(method, path, (c) => answer(c, limited(handler, limit)));
      app.on("POST", "/auth/token", (c) => answer(c, createTokenHandler(context, { devices, workloads, failures })));
      app.get("/", (c) => answer(c, createHomeHandler(context, devices.enabled)));
      app.all("/auth/*", () => {
        throw new HttpError(404, "NOT_FOUND", "Not found: no such path, or the path does not support this method.");
      });
    },
  };
}

function createPeople(options: IssuerOptions, { records, clock, random }: LoginDeps): PeopleDeps {
  const issuer = createIssuerClient(options, { clock });
  return {
    clientId: options.clientId,
    issuer,
    verifier: createJwtVerifier(options.issuer, { client: issuer, clock }),
    logins: createPendingLogins({ records, clock, random }),
  };
}

/**
 * Returns a browser's URL of the server. Without `server.url` only the loopback: other names could be anyone's (DNS
 * rebinding).
 */
function createPlaceFinder(url: string | undefined): (request: Request) => BrowserPlace {
  if (url !== undefined) {
    const place = { url: new URL(url) };
    return () => place;
  }
  return (request) => ({ url: new URL(`http://127.0.0.1:${portOf(request)}`) });
}

function findSessionCookie(context: AuthContext, request: Request): string | undefined {
  const place = context.findPlace(request);
  const secret = findCookie(request, toCookieNames(place, request).session);
  if (secret === undefined) return undefined;
  if (request.headers.has("authorization")) {
    throw new StackyardError("USAGE", "The request has a cookie and a credential. Send one of them.");
  }
  const refusal = findBrowserRefusal(request, place);
  if (refusal !== undefined) throw new HttpError(refusal.status, "FORBIDDEN", refusal.detail);
  return secret;
}

function limited(handler: AuthHandler, limit: RateLimit): AuthHandler {
  return async (request, facts) => {
    await limit.count(facts.address);
    return handler(request, facts);
  };
}

/** The codes of errors that an administrator has to correct, here or at the issuer. */
const LOGGED: ReadonlySet<string> = new Set([
  "LOGIN_FAILED",
  "CLOCK_SKEW",
  "NO_GRANT",
  "GROUPS_MISSING",
  "UNREACHABLE",
]);

/** Returns why an issuer did not answer: people read that it did not, administrators how. Other messages have their reason. */
function toCause({ code, cause }: StackyardError): { readonly cause?: string } {
  return code === "UNREACHABLE" && cause !== undefined ? { cause: explainUnanswered(cause) } : {};
}

/** Audits and logs denials before the answer, and shows people a page instead of JSON. */
async function guarded(
  context: AuthContext,
  handler: AuthHandler,
  request: Request,
  facts: RequestFacts,
): Promise<Response> {
  try {
    return await handler(request, facts);
  } catch (error) {
    await auditDenial(context, error, facts);
    if (!isStackyardError(error)) throw error;
    if (LOGGED.has(error.code)) {
      const { code, message: reason } = error;
      context.logger.warn("A login failed.", { requestId: facts.requestId, code, reason, ...toCause(error) });
    }
    if (!wantsPage(request)) throw error;
    const { status, code, detail } = toProblemInput(error);
    const returnTo = findReturnPath(context, request);
    return toAuthPage(context, {
      status,
      title: "Not signed in",
      body: errorBody(code, detail, context.ways, returnTo),
    });
  }
}

const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_TYPES: ReadonlySet<string> = new Set([
  "urn:ietf:params:oauth:token-type:jwt",
  "urn:ietf:params:oauth:token-type:id_token",
]);

interface TokenDeps {
  readonly devices: DeviceDeps;
  readonly workloads: TokenExchange;
  /** Only failed calls are counted: the jobs of a build system share an address. */
  readonly failures: RateLimit;
}

/** Handles `POST /auth/token`: device codes (RFC 8628) and tokens of workloads (RFC 8693). */
function createTokenHandler(context: AuthContext, deps: TokenDeps): AuthHandler {
  const { failures } = deps;
  return async (request, facts) => {
    await failures.check(facts.address);
    try {
      const { response, failed } = await answerGrant(context, deps, await readForm(request), {
        audience: context.findPlace(request).url.origin,
        facts,
      });
      if (failed) await failures.count(facts.address);
      return response;
    } catch (error) {
      // The line of a denial comes before the limit, which answers in its place.
      await auditDenial(context, error, facts);
      if (isStackyardError(error) && !error.retryable) await failures.count(facts.address);
      throw error;
    }
  };
}

async function answerGrant(
  context: AuthContext,
  { devices, workloads }: TokenDeps,
  form: ReadonlyMap<string, string>,
  { audience, facts }: { readonly audience: string; readonly facts: RequestFacts },
): Promise<{ readonly response: Response; readonly failed: boolean }> {
  const grant = form.get("grant_type");
  if (grant === DEVICE_GRANT) {
    return answerDeviceGrant(context, devices, { deviceCode: form.get("device_code") ?? "", facts });
  }
  const subjectToken = form.get("subject_token");
  if (grant !== EXCHANGE_GRANT || subjectToken === undefined) return { response: json(400, UNSUPPORTED), failed: true };
  const type = form.get("subject_token_type") ?? "";
  if (!JWT_TYPES.has(type)) return { response: json(400, UNSUPPORTED_TYPE), failed: true };
  return { response: await workloads.answer({ subjectToken, audience, facts }), failed: false };
}

const UNSUPPORTED = {
  error: "unsupported_grant_type",
  error_description: `grant_type must be ${DEVICE_GRANT}, or ${EXCHANGE_GRANT} with a subject_token.`,
};
const UNSUPPORTED_TYPE = {
  error: "invalid_request",
  error_description: `subject_token_type must be one of ${[...JWT_TYPES].join(", ")}.`,
};

/** Handles `GET /`, where logins and logouts end. Programs get the response of any path that does not exist. */
function createHomeHandler(context: AuthContext, enabled: boolean): AuthHandler {
  return async (request) => {
    if (!enabled || !wantsPage(request)) {
      throw new HttpError(404, "NOT_FOUND", "Path not found. /openapi.json lists all paths.");
    }
    const session = await findBrowserSession(context, request);
    return toAuthPage(context, {
      title: "Stackyard",
      body: homeBody(session?.sender.name, context.ways),
    });
  };
}

function createLocalPageHandler(context: AuthContext): AuthHandler {
  return async (request) => {
    if (!context.ways.code) throw notConfigured("Login by a code");
    const code = new URL(request.url).searchParams.get("code") ?? "";
    return toAuthPage(context, {
      title: "Sign in",
      body: localBody(code, findReturnPath(context, request)),
    });
  };
}

/** Returns the path of ours in the query of a request that begins a login. */
function findReturnPath(context: AuthContext, request: Request): string {
  return toReturnPath(new URL(request.url).searchParams.get("return"), context.findPlace(request));
}

interface LocalDeps {
  readonly local: LocalPerson | undefined;
  readonly codes: LocalCodes;
  readonly tokenCodes: TokenCodes | undefined;
  readonly authenticate: Authenticate;
}

/** Handles `POST /auth/local`: returns a new code for a token of the server, or a session for a code. */
function createLocalHandler(context: AuthContext, deps: LocalDeps): AuthHandler {
  return async (request, facts) => {
    if (!context.ways.code) throw notConfigured("Login by a code");
    if (request.headers.has("authorization")) {
      const code = await beginCode(deps, request, facts);
      const url = `${context.findPlace(request).url.origin}/auth/local?code=${code}`;
      return json(200, { code, url, expires_in: LOGIN_MS / 1_000 });
    }
    checkOurPage(context, request);
    const form = await readForm(request);
    const identity = await takeCode(deps, form.get("code") ?? "");
    if (identity === undefined) {
      const message = "The code is wrong, was used, or is older than 10 minutes. `stackyard console` prints a new one.";
      throw new StackyardError("LOGIN_FAILED", message);
    }
    const { secret } = await beginSession(context, { kind: "browser", ...identity }, facts);
    const cookies = [toSessionCookie(context, request, secret)];
    const continueAt = toReturnPath(form.get("return"), context.findPlace(request));
    const body = signedInBody(identity.sender.name, continueAt);
    return toAuthPage(context, { title: "Signed in", body, continueAt, cookies });
  };
}

async function beginCode(
  { codes, tokenCodes, authenticate }: LocalDeps,
  request: Request,
  facts: RequestFacts,
): Promise<string> {
  const caller = await authenticate(request);
  if (tokenCodes !== undefined) return tokenCodes.begin(caller, await readForm(request), facts);
  if (caller?.via !== "old") throw new StackyardError("UNAUTHENTICATED", "Send the token of the data folder.");
  return codes.begin();
}

type CodeIdentity = Pick<NewSession, "sender" | "token" | "role">;

async function takeCode({ local, codes, tokenCodes }: LocalDeps, code: string): Promise<CodeIdentity | undefined> {
  if (local === undefined) return tokenCodes?.take(code);
  if (!(await codes.take(code))) return undefined;
  const { name, groups = [] } = local;
  return { sender: { kind: "local", id: "local", name, groups } };
}
