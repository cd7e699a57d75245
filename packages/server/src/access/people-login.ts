import { defined, isStackyardError, StackyardError } from "@stackyard/core";
import { toPersonId } from "@stackyard/core/access";
import { json } from "../http/route.ts";
import {
  type AuthContext,
  type AuthHandler,
  beginSession,
  checkOurPage,
  endSession,
  findBrowserSession,
  notConfigured,
  readForm,
  toAuthPage,
  toSessionCookie,
} from "./auth-context.ts";
import { signedInBody, signedOutBody, unknownLoginBody } from "./auth-pages.ts";
import {
  type CookieNames,
  findCookie,
  formatCookie,
  listLoginCookies,
  toCookieNames,
  toLoginCookieName,
  toReturnPath,
} from "./browser-guard.ts";
import { findCredential, type RequestFacts } from "./caller.ts";
import type { IssuerClient } from "./issuer-client.ts";
import { type JwtVerifier, type LogoutOrder, parseLogoutClaims } from "./jwt-verifier.ts";
import { LOGIN_MS, type PendingLogins } from "./pending-logins.ts";
import type { SignedInPerson } from "./person-claims.ts";
import { type NewSession, openIdToken, type Session } from "./sessions.ts";

/** Logins of people at their issuer. */
export interface PeopleDeps {
  readonly clientId: string;
  readonly issuer: IssuerClient;
  readonly verifier: JwtVerifier;
  readonly logins: PendingLogins;
}

/** Handles `GET /auth/login?return=/path`: redirects the browser to the issuer. */
export function createLoginHandler(context: AuthContext, people: PeopleDeps | undefined): AuthHandler {
  return async (request) => {
    if (people === undefined) throw notConfigured("Sign-in of people (access.people)");
    const place = context.findPlace(request);
    const { secret, checks } = await people.logins.begin(
      toReturnPath(new URL(request.url).searchParams.get("return"), place),
    );
    const location = await people.issuer.startUrl(`${place.url.origin}/auth/callback`, checks);
    const names = toCookieNames(place, request);
    const forgotten = listLoginCookies(request, names).slice(0, 1 - MOST_LOGINS);
    const headers = new Headers({ location });
    for (const name of forgotten) headers.append("set-cookie", toLoginCookie(names, name, ""));
    headers.append("set-cookie", toLoginCookie(names, toLoginCookieName(names, checks.state), secret));
    return new Response(null, { status: 302, headers });
  };
}

/** Logins that one browser has under way; the oldest are forgotten, so that cookies do not fill the header of requests. */
const MOST_LOGINS = 5;

/** Formats the cookie of one login; an empty secret removes it. */
function toLoginCookie({ secure }: CookieNames, name: string, secret: string): string {
  return formatCookie(name, secret, { secure, sameSite: "Lax", maxAgeSeconds: secret === "" ? 0 : LOGIN_MS / 1_000 });
}

/** Handles `GET /auth/callback` of the issuer. Throws `LOGIN_FAILED` and the errors of `IssuerClient.finish`. */
export function createCallbackHandler(context: AuthContext, people: PeopleDeps | undefined): AuthHandler {
  return async (request, facts) => {
    if (people === undefined) throw notConfigured("Sign-in of people (access.people)");
    const place = context.findPlace(request);
    const names = toCookieNames(place, request);
    const { search, searchParams } = new URL(request.url);
    const state = searchParams.get("state") ?? "";
    const cookieName = toLoginCookieName(names, state);
    const secret = findCookie(request, cookieName);
    const pending = secret === undefined ? undefined : await people.logins.take({ secret, state });
    if (pending === undefined) return answerUnknownLogin(context, request);
    // A proxy changes scheme and host; the issuer has the public address.
    const callback = new URL(`/auth/callback${search}`, place.url.origin);
    const { person, idToken, notes } = await people.issuer.finish(callback, pending.checks);
    for (const reason of notes)
      context.logger.warn("A person signs in without some claims.", { name: person.name, reason });
    const session = await beginSession(context, { ...toNewSession(person), idToken }, { ...facts, notes });
    const continueAt = pending.returnTo;
    return toAuthPage(context, {
      title: "Signed in",
      body: signedInBody(person.name, continueAt),
      continueAt,
      cookies: [toSessionCookie(context, request, session.secret), toLoginCookie(names, cookieName, "")],
    });
  };
}

/**
 * Answers a callback that belongs to no login of this browser, such as one that is loaded again. The session's cookie
 * does not come with a request from the issuer's site, so a page of ours requests it.
 */
function answerUnknownLogin(context: AuthContext, request: Request): Promise<Response> {
  if (!wantsPage(request)) throw unknownLogin();
  const continueAt = "/auth/signed-in";
  return toAuthPage(context, { title: "Signing in", body: unknownLoginBody(continueAt), continueAt });
}

function unknownLogin(): StackyardError {
  const message = "This login was not started in this browser, was finished before, or took more than 10 minutes.";
  return new StackyardError("LOGIN_FAILED", `${message} Sign in again.`);
}

/** Handles `GET /auth/signed-in`: continues with the session of the browser. Throws `LOGIN_FAILED` without one. */
export function createSignedInHandler(context: AuthContext): AuthHandler {
  return async (request) => {
    const session = await findBrowserSession(context, request);
    if (session === undefined) throw unknownLogin();
    const body = signedInBody(session.sender.name, "/");
    return toAuthPage(context, { title: "Signed in", body, continueAt: "/" });
  };
}

function toNewSession({ issuer, subject, name, groups, sid }: SignedInPerson): NewSession {
  const sender = { kind: "person", id: toPersonId(issuer, subject), name, groups } as const;
  return { kind: "browser", sender, issuer, subject, ...defined({ sid }) };
}

/** Handles `POST /auth/logout`: ends the session of the cookie, or of the command line's bearer token. */
export function createLogoutHandler(context: AuthContext, people: PeopleDeps | undefined): AuthHandler {
  return async (request, facts) => {
    const credential = findCredential(request);
    if (credential !== undefined) return endBearerSession(context, credential.secret, facts);
    checkOurPage(context, request);
    const session = await findBrowserSession(context, request);
    if (session !== undefined) await endSession(context, session.id, { facts });
    const endSessionUrl = await findEndSessionUrl(context, people, { session, request });
    const cookie = toSessionCookie(context, request, "");
    // Not "cookies": that would sign the person out of every service of the domain.
    const clear = '"cache", "storage"';
    if (!wantsPage(request)) {
      return json(200, defined({ endSessionUrl }), { "set-cookie": cookie, "clear-site-data": clear });
    }
    const page = await toAuthPage(context, {
      title: "Signed out",
      body: signedOutBody(),
      cookies: [cookie],
      ...defined({ continueAt: endSessionUrl }),
    });
    page.headers.set("clear-site-data", clear);
    return page;
  };
}

async function endBearerSession(context: AuthContext, secret: string, facts: RequestFacts): Promise<Response> {
  const session = await context.sessions.find(secret);
  if (session === undefined || session.kind === "browser") {
    throw new StackyardError("UNAUTHENTICATED", "The session has ended or is unknown.");
  }
  await endSession(context, session.id, { facts });
  return json(200, {});
}

/** Returns the issuer's logout page; undefined without one or when it does not answer: our session has ended anyway. */
async function findEndSessionUrl(
  context: AuthContext,
  people: PeopleDeps | undefined,
  { session, request }: { readonly session: Session | undefined; readonly request: Request },
): Promise<string | undefined> {
  if (people === undefined || session?.issuer === undefined) return undefined;
  try {
    const place = context.findPlace(request);
    const secret = findCookie(request, toCookieNames(place, request).session) ?? "";
    return await people.issuer.findEndSessionUrl(`${place.url.origin}/`, await openIdToken(session, secret));
  } catch (error) {
    if (isStackyardError(error)) return undefined;
    throw error;
  }
}

/** Handles `POST /auth/backchannel-logout`: the issuer ends sessions (OpenID Connect Back-Channel Logout 1.0). */
export function createBackchannelHandler(context: AuthContext, people: PeopleDeps | undefined): AuthHandler {
  return async (request, facts) => {
    if (people === undefined) throw notConfigured("Sign-in of people (access.people)");
    const token = (await readForm(request)).get("logout_token");
    if (token === undefined) throw new StackyardError("LOGIN_FAILED", "The form has no logout_token.");
    const claims = await people.verifier.verify(token, people.clientId);
    const order = parseLogoutClaims(claims);
    for await (const session of context.sessions.all()) {
      if (!isMeant(session, order, claims.iss)) continue;
      await endSession(context, session.id, { facts, reason: "Ended by the issuer." });
    }
    return new Response(null, { status: 200 });
  };
}

/** Returns true for sessions that the order ends: those that match all of its claims. */
function isMeant(session: Session, { sid, subject }: LogoutOrder, issuer: string | undefined): boolean {
  if (session.issuer === undefined || session.issuer !== issuer) return false;
  if (subject !== undefined && session.subject !== subject) return false;
  return sid === undefined || session.sid === sid;
}

/** Returns true for a browser that shows the response as a page; programs accept JSON or anything. */
export function wantsPage(request: Request): boolean {
  return /\btext\/html\b/.test(request.headers.get("accept") ?? "");
}
