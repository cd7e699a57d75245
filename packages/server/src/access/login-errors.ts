import { isStackyardError, StackyardError } from "@stackyard/core";

interface Asked {
  readonly issuer: string;
  /** Our clock, epoch milliseconds. */
  readonly now: number;
  /** Whom the token should be for. */
  readonly audience?: string;
}

/**
 * Converts the errors of openid-client and jose: `CLOCK_SKEW` for times, `UNREACHABLE` for an issuer that does not
 * answer, else `LOGIN_FAILED`. The message contains no responses and tokens of the issuer.
 */
export function toLoginError(error: unknown, { issuer, now, audience }: Asked): StackyardError {
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
  const refused = textAt(error, "error");
  const check = clean(refused ?? claim ?? code ?? "unknown");
  const why = refused === undefined ? `the check of "${check}" failed` : `the issuer answered "${check}"`;
  return new StackyardError("LOGIN_FAILED", `The login at ${issuer} failed: ${why}. Sign in again.`, {
    cause: error,
    details: { check },
  });
}

function findClaim(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; depth < 4; at = valueAt(at, "cause"), depth += 1) {
    const claim = textAt(at, "claim");
    if (claim !== undefined) return claim;
  }
  return undefined;
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
  // What `fetch` throws when no connection is made.
  if (error instanceof TypeError && (code === undefined || !code.startsWith("ERR_INVALID"))) return true;
  // Of the response that openid-client names as the cause. Its class may be another one than the global `Response` of now.
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
