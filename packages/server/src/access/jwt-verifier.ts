import { type Clock, StackyardError } from "@stackyard/core";
import type * as Jose from "jose";
import { CLOCK_TOLERANCE_S, type IssuerClient } from "./issuer-client.ts";
import { checkIssuedAt, toLoginError } from "./login-errors.ts";

/** Verifies the JWTs of one issuer. */
export interface JwtVerifier {
  /**
   * Returns the claims of a token that the issuer signed for this audience. Throws `LOGIN_FAILED`, `CLOCK_SKEW`, and
   * `UNREACHABLE` when the keys cannot be fetched and the cached ones are older than 10 minutes.
   */
  verify(jwt: string, audience: string): Promise<Jose.JWTPayload>;
}

interface VerifierDeps {
  readonly client: Pick<IssuerClient, "loadMetadata">;
  readonly clock: Pick<Clock, "now">;
}

/** Signatures with a public key. With a shared secret, a program that checks tokens could also make them. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
const MAX_JWT_LENGTH = 16_384;
const KEYS_MS = 600_000;
/** Between two fetches because of a key id that is unknown: anyone can make one up. */
const UNKNOWN_KEY_MS = 1_000;
const TIMEOUT_MS = 10_000;

/** Creates a verifier. jose is loaded and the keys are fetched at the first token. */
export function createJwtVerifier(issuer: string, { client, clock }: VerifierDeps): JwtVerifier {
  let loaded: { readonly jwksUri: string; readonly keys: Jose.JWTVerifyGetKey } | undefined;
  return {
    async verify(jwt, audience) {
      if (jwt.length > MAX_JWT_LENGTH) {
        throw new StackyardError("LOGIN_FAILED", `The token is longer than ${MAX_JWT_LENGTH} characters.`);
      }
      const metadata = await client.loadMetadata();
      const jose = await import("jose");
      if (loaded?.jwksUri !== metadata.jwksUri) {
        const options = { cacheMaxAge: KEYS_MS, cooldownDuration: UNKNOWN_KEY_MS, timeoutDuration: TIMEOUT_MS };
        loaded = {
          jwksUri: metadata.jwksUri,
          keys: jose.createRemoteJWKSet(new URL(metadata.jwksUri), options),
        };
      }
      const now = clock.now();
      try {
        const { payload } = await jose.jwtVerify(jwt, loaded.keys, {
          algorithms: ALGORITHMS,
          issuer: metadata.issuer,
          audience,
          clockTolerance: CLOCK_TOLERANCE_S,
          currentDate: new Date(now),
          requiredClaims: ["iat", "exp"],
        });
        checkIssuedAt(payload, { issuer, now });
        return payload;
      } catch (error) {
        throw toLoginError(error, { issuer, now, audience });
      }
    },
  };
}

/** Returns the issuer in a token without verifying it. Throws `LOGIN_FAILED` when the text is not a JWT. */
export async function readIssuer(jwt: string): Promise<string> {
  const jose = await import("jose");
  try {
    const { iss } = jose.decodeJwt(jwt.slice(0, MAX_JWT_LENGTH));
    if (typeof iss === "string") return iss;
  } catch {
    // Throws the same error: the text may be anything.
  }
  throw new StackyardError("LOGIN_FAILED", "The token is not a JWT with an issuer.");
}

const LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout";

/** The sessions that a logout token ends. */
export interface LogoutOrder {
  readonly sid?: string;
  readonly subject?: string;
}

/** Reads the claims of a verified logout token (OpenID Connect Back-Channel Logout 1.0, 2.6). Throws `LOGIN_FAILED`. */
export function parseLogoutClaims({ events, nonce, sid, sub }: Jose.JWTPayload): LogoutOrder {
  const isLogout = typeof events === "object" && events !== null && Object.hasOwn(events, LOGOUT_EVENT);
  const order = {
    ...(typeof sid === "string" && { sid }),
    ...(typeof sub === "string" && { subject: sub }),
  };
  // An ID token has a nonce; it must not be accepted as a logout token.
  if (isLogout && nonce === undefined && Object.keys(order).length > 0) return order;
  throw new StackyardError("LOGIN_FAILED", "The token is not a logout token.");
}
