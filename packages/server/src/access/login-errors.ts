import { cutText, isStackyardError, StackyardError } from "@stackyard/core";
import { toDeepestReason } from "@stackyard/core/environment";

interface Asked {
  readonly issuer: string;
  /** Our clock, epoch milliseconds. */
  readonly now: number;
  /** Whom the token should be for. */
  readonly audience?: string;
  /** The address that was fetched, if it was one. */
  readonly address?: string;
}

/**
 * Converts the errors of openid-client and jose: `CLOCK_SKEW` for times, `UNREACHABLE` for an issuer that does not
 * answer, else `LOGIN_FAILED`. Of what the issuer sent, the message contains its name and its reason, and no token.
 */
export function toLoginError(error: unknown, { issuer, now, audience, address }: Asked): StackyardError {
  if (isStackyardError(error)) return error;
  const code = textAt(error, "code");
  const times = findTimes(error);
  if (times !== undefined) return clockSkew(times, { issuer, now });
  if (isUnanswered(error, code)) {
    return new StackyardError("UNREACHABLE", `The issuer ${issuer} does not answer. Try again later.`, {
      cause: error,
    });
  }
  const claim = findClaim(error);
  if (claim === "aud" && audience !== undefined) {
    const message = `The token of ${issuer} is for another audience. Ask the issuer for one with the audience ${audience}.`;
    return new StackyardError("LOGIN_FAILED", message, { cause: error, details: { check: "aud" } });
  }
  const name = findOtherName(error);
  if (name !== undefined) return otherIssuer(name, issuer, error);
  const refused = textAt(error, "error");
  const check = clean(refused ?? claim ?? code ?? "unknown");
  const why = refused === undefined ? explain(error, address ?? "the issuer") : explainRefusal(error, check);
  return new StackyardError("LOGIN_FAILED", `The login at ${issuer} failed: ${why}. Sign in again.`, {
    cause: error,
    details: { check },
  });
}

/** Throws `CLOCK_SKEW` for an ID token from the future. openid-client compares only `exp` and `nbf`. */
export function checkIssuedAt(claims: Readonly<Record<string, unknown>>, asked: Asked): void {
  const { iat } = claims;
  if (typeof iat === "number" && iat * 1_000 > asked.now + 60_000) throw clockSkew({ claim: "iat", at: iat }, asked);
}

/** Returns how a request that an issuer did not answer has failed. */
export function explainUnanswered(error: unknown): string {
  const status = findStatus(error);
  return status === undefined ? toDeepestReason(error) : `status ${status}`;
}

/** Returns why the answer of the userinfo cannot be used; undefined without an answer, which may pass. */
export function explainUserinfo(error: unknown): string | undefined {
  if (isUnanswered(error, textAt(error, "code"))) return undefined;
  if (findAttribute(error) === "sub") return "is of another person";
  if (/JWT|JWE|JWS/.test(findReason(error) ?? "")) return "is signed in a way that cannot be checked";
  const why = explain(error, "");
  return why.trim();
}

/** Returns the name that an issuer gives itself in its metadata, where it is not the configured one. */
function findOtherName(error: unknown): string | undefined {
  if (findAttribute(error) !== "issuer") return undefined;
  const name = textAt(findInCauses(error, "body"), "issuer") ?? "";
  return name.length <= MAX_ADDRESS && URL.canParse(name) ? name : undefined;
}

const MAX_ADDRESS = 2_048;

function otherIssuer(name: string, issuer: string, cause: unknown): StackyardError {
  const message = `The issuer calls itself "${name}", but the configuration has "${issuer}". Set the issuer to the first, letter by letter.`;
  return new StackyardError("LOGIN_FAILED", message, { cause, details: { check: "issuer" } });
}

function explainRefusal(error: unknown, check: string): string {
  const reason = plain(textAt(error, "error_description") ?? "");
  return `the issuer answered "${check}"${reason === "" ? "" : `: ${reason.replace(/\.$/, "")}`}`;
}

const MAX_REASON = 300;

/** Returns a text of the issuer on one line, without characters that change how the rest is shown. */
function plain(text: string): string {
  return cutText(text.replaceAll(/[\p{C}\p{Z}]+/gu, " ").trim(), MAX_REASON);
}

const NOT_JSON: ReadonlySet<string> = new Set(["OAUTH_RESPONSE_IS_NOT_JSON", "OAUTH_PARSE_ERROR"]);

/** Returns a clause about what came from this address. */
function explain(error: unknown, address: string): string {
  const status = findStatus(error);
  if (NOT_JSON.has(textAt(error, "code") ?? "")) return `${address} answered with a text that is not JSON`;
  if (status !== undefined) return `${address} answered with status ${status}`;
  const claim = findClaim(error);
  if (claim !== undefined) return `the check of "${clean(claim)}" failed`;
  return `${address}: ${findReason(error) ?? "the answer does not follow OpenID Connect"}`;
}

function findStatus(error: unknown): number | undefined {
  const status = valueAt(valueAt(error, "cause"), "status") ?? valueAt(error, "status");
  return typeof status === "number" && status !== 200 ? status : undefined;
}

/** Returns the innermost message of the libraries, such as `JWT signature verification failed`. They quote names only. */
function findReason(error: unknown): string | undefined {
  const messages: string[] = [];
  for (let at: unknown = error, depth = 0; depth < 4 && at instanceof Error; at = at.cause, depth += 1) {
    messages.push(at.message);
  }
  return messages.findLast((message) => /^[\x20-\x7e]{1,160}$/.test(message));
}

/** Returns the name of the value in an answer that is not the expected one. */
function findAttribute(error: unknown): string | undefined {
  const attribute = findInCauses(error, "attribute");
  return typeof attribute === "string" ? attribute : undefined;
}

function findInCauses(error: unknown, key: string): unknown {
  for (let at: unknown = error, depth = 0; depth < 4; at = valueAt(at, "cause"), depth += 1) {
    const found = valueAt(at, key);
    if (found !== undefined) return found;
  }
  return undefined;
}

function findClaim(error: unknown): string | undefined {
  const claim = findInCauses(error, "claim");
  return typeof claim === "string" ? claim : undefined;
}

/** The times in a token, in seconds. */
interface Times {
  readonly claim: string;
  readonly at: number;
}

function clockSkew({ claim, at }: Times, { issuer, now }: Asked): StackyardError {
  const message = `The clocks differ by more than 60 s: the token of ${issuer} has ${claim} ${toInstant(at)}, and this server's clock says ${toInstant(now / 1_000)}. Correct the clock that is wrong.`;
  return new StackyardError("CLOCK_SKEW", message);
}

function toInstant(seconds: number): string {
  const ms = seconds * 1_000;
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : `${seconds} s`;
}

const TIME_CODES: ReadonlySet<string> = new Set(["ERR_JWT_EXPIRED", "ERR_JWT_CLAIM_VALIDATION_FAILED"]);
const TIME_CLAIMS: ReadonlySet<string> = new Set(["exp", "nbf", "iat"]);

/** Returns a rejected token's times. openid-client puts the claims into the cause's cause, jose into `payload`. */
function findTimes(error: unknown): Times | undefined {
  const code = textAt(error, "code") ?? "";
  if (code === "OAUTH_JWT_TIMESTAMP_CHECK_FAILED") {
    for (let at: unknown = error, depth = 0; depth < 4; at = valueAt(at, "cause"), depth += 1) {
      const claim = textAt(at, "claim") ?? "exp";
      const seconds = valueAt(valueAt(at, "claims"), claim);
      if (typeof seconds === "number") return { claim, at: seconds };
    }
    return undefined;
  }
  const claim = textAt(error, "claim") ?? "";
  const seconds = valueAt(valueAt(error, "payload"), claim);
  if (!TIME_CODES.has(code) || !TIME_CLAIMS.has(claim) || typeof seconds !== "number") return undefined;
  return { claim, at: seconds };
}

/** `ERR_JOSE_GENERIC`: the address of the keys did not answer with keys. */
const UNANSWERED: ReadonlySet<string> = new Set([
  "OAUTH_TIMEOUT",
  "OAUTH_ABORT",
  "ERR_JWKS_TIMEOUT",
  "ERR_JOSE_GENERIC",
]);

function isUnanswered(error: unknown, code: string | undefined): boolean {
  if (code !== undefined && UNANSWERED.has(code)) return true;
  // The error that `fetch` throws when no connection is made.
  if (error instanceof TypeError && (code === undefined || !code.startsWith("ERR_INVALID"))) return true;
  // The status of the response that openid-client names as the cause. Its class may be another one than the global `Response` of now.
  const status = valueAt(valueAt(error, "cause"), "status") ?? valueAt(error, "status");
  return typeof status === "number" && status >= 500;
}

function valueAt(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function textAt(value: unknown, key: string): string | undefined {
  const found = valueAt(value, key);
  return typeof found === "string" ? found : undefined;
}

/** Returns an OAuth error code, which is a few words; "unknown" for any other text. */
function clean(text: string): string {
  return /^[\w.-]{1,64}$/.test(text) ? text : "unknown";
}
