import { defined, isStackyardError, type Logger, StackyardError } from "@stackyard/core";
import type { AuditWriter, Grant, Sender } from "@stackyard/core/access";
import { HttpError } from "../http/problem.ts";
import { readBytes } from "../http/read-body.ts";
import { type PageInput, type SignInWays, toPage } from "./auth-pages.ts";
import { type BrowserPlace, findBrowserRefusal, findCookie, formatCookie, toCookieNames } from "./browser-guard.ts";
import { ANONYMOUS, type RequestFacts } from "./caller.ts";
import { checkGranted } from "./identities.ts";
import type { NewSession, Session, Sessions } from "./sessions.ts";

/** The dependencies of all handlers of `/auth/*`. */
export interface AuthContext {
  readonly sessions: Sessions;
  readonly grants: readonly Grant[];
  readonly audit: AuditWriter;
  readonly logger: Pick<Logger, "warn">;
  readonly random: (bytes: number) => Uint8Array;
  /** Returns the URL under which browsers reach the server. */
  readonly findPlace: (request: Request) => BrowserPlace;
  readonly ways: SignInWays;
  /** The name of the yard, which its pages show. */
  readonly yardName: string | undefined;
  /** Called with the ids of sessions that have just ended, so that their callers are not remembered. */
  readonly onEnded: (sessionIds: ReadonlySet<string>) => void;
}

/** Answers one request of `/auth/*`. */
export type AuthHandler = (request: Request, facts: RequestFacts) => Promise<Response>;

const MAX_FORM_BYTES = 32_768;

/** Begins a session for a proven identity. Throws `NO_GRANT`, with the notes. The login is audited. */
export async function beginSession(
  context: AuthContext,
  input: NewSession,
  facts: RequestFacts & { readonly notes?: readonly string[] },
): Promise<{ readonly secret: string; readonly session: Session }> {
  try {
    checkGranted(input, context.grants, facts.notes);
  } catch (error) {
    await auditDenial(context, error, facts, input.sender);
    throw error;
  }
  const { address } = facts;
  const begun = await context.sessions.begin({ ...input, ...defined({ address }) });
  const who = withFacts(input.sender, facts);
  // The secret has not left the server: if the audit line cannot be stored, the session is not usable.
  await context.audit.write({ action: "login", outcome: "done", who, via: "api", on: { sessionId: begun.session.id } });
  return begun;
}

/** Ends a session and audits the logout. */
export async function endSession(
  context: AuthContext,
  id: string,
  { facts, by, reason }: { readonly facts: RequestFacts; readonly by?: Sender; readonly reason?: string },
): Promise<Session | undefined> {
  const all = await context.sessions.end(id);
  const [ended] = all;
  if (ended === undefined) return undefined;
  context.onEnded(new Set(all.map((session) => session.id)));
  const who = withFacts(by ?? ended.sender, facts);
  const why = defined({ reason });
  await context.audit.write({ action: "logout", outcome: "done", who, via: "api", on: { sessionId: id }, ...why });
  return ended;
}

const DENIALS: ReadonlySet<string> = new Set(["LOGIN_FAILED", "CLOCK_SKEW", "NO_GRANT", "GROUPS_MISSING", "FORBIDDEN"]);

/** Errors that have their line already. */
const audited = new WeakSet<object>();

/** Audits a login that was denied, once. Other errors are not denials. */
export async function auditDenial(
  context: AuthContext,
  error: unknown,
  facts: RequestFacts,
  sender: Sender = ANONYMOUS.sender,
): Promise<void> {
  if (!isStackyardError(error) || !DENIALS.has(error.code) || audited.has(error)) return;
  audited.add(error);
  const who = withFacts(sender, facts);
  const { code, message: reason } = error;
  await context.audit.write({ action: "login", outcome: "denied", who, via: "api", on: {}, code, reason });
}

/** Returns true for errors that are in the audit log already, with the facts of the login. */
export function isAudited(error: object): boolean {
  return audited.has(error);
}

export function withFacts(sender: Sender, { requestId, address }: RequestFacts): Sender {
  return { ...sender, requestId, ...defined({ address }) };
}

/** Reads a form. Throws `USAGE` (415) for other bodies, and for a field that is there twice. */
export async function readForm(request: Request): Promise<ReadonlyMap<string, string>> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/x-www-form-urlencoded") {
    throw new HttpError(415, "USAGE", 'Send a form: "content-type: application/x-www-form-urlencoded".');
  }
  const text = Buffer.from(await readBytes(request, MAX_FORM_BYTES)).toString("utf8");
  const pairs = [...new URLSearchParams(text)];
  const fields = new Map(pairs);
  if (fields.size < pairs.length) throw new HttpError(400, "USAGE", "A field of the form is given twice.");
  return fields;
}

/** Throws when a form or a call of a page was not made by one of our pages. */
export function checkOurPage(context: AuthContext, request: Request): void {
  const refusal = findBrowserRefusal(request, context.findPlace(request));
  if (refusal !== undefined) throw new HttpError(refusal.status, "FORBIDDEN", refusal.detail);
}

/** Returns the session of the browser's cookie, for pages of ours only. */
export async function findBrowserSession(context: AuthContext, request: Request): Promise<Session | undefined> {
  const place = context.findPlace(request);
  const secret = findCookie(request, toCookieNames(place, request).session);
  if (secret === undefined || findBrowserRefusal(request, place) !== undefined) return undefined;
  const session = await context.sessions.use(secret);
  return session?.kind === "browser" ? session : undefined;
}

const SESSION_SECONDS = 16 * 3_600;

/** Formats the cookie of a new session; `""` removes it. */
export function toSessionCookie(context: AuthContext, request: Request, secret: string): string {
  const { session, secure } = toCookieNames(context.findPlace(request), request);
  const maxAgeSeconds = secret === "" ? 0 : SESSION_SECONDS;
  return formatCookie(session, secret, { secure, sameSite: "Strict", maxAgeSeconds });
}

/** Returns one of our pages as a response, with the name of the yard and a policy of its own. */
export function toAuthPage(
  { random, yardName }: AuthContext,
  page: Omit<PageInput, "nonce" | "yardName">,
): Promise<Response> {
  const nonce = Buffer.from(random(16)).toString("base64url");
  return toPage({ ...page, nonce, yardName });
}

/** Throws for a way in that the configuration does not have. */
export function notConfigured(what: string): StackyardError {
  return new StackyardError("NOT_FOUND", `${what} is not configured on this server.`);
}
