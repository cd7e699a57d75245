import { type Clock, defined, StackyardError } from "@stackyard/core";
import type * as OpenId from "openid-client";
import { checkIssuedAt, explainUserinfo, toLoginError } from "./login-errors.ts";
import {
  addClaims,
  type ClaimOptions,
  type Claims,
  countLongGroups,
  hasGroups,
  lacksClaims,
  MAX_GROUP_LENGTH,
  type SignedInPerson,
  toPerson,
} from "./person-claims.ts";

/** Where people sign in. */
export interface IssuerOptions extends ClaimOptions {
  /** Such as `https://id.example.org`; `http:` only on loopback addresses. */
  readonly issuer: string;
  readonly clientId: string;
  /** Without it, a public client. */
  readonly clientSecret?: string;
  /** The scopes to request, in addition to `openid`. Default: `profile`, `email`, and `groups` where the issuer has it. */
  readonly scopes?: readonly string[];
}

/** A person who has just signed in. */
export interface FinishedLogin {
  readonly person: SignedInPerson;
  /** Some issuers end their session only for who shows it. */
  readonly idToken: string;
  /** Sentences about what the person may lack: a claim that could not be read. */
  readonly notes: readonly string[];
}

/** Values that bind an issuer's response to the browser of the request. All are derived from the login's secret. */
export interface LoginChecks {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** The issuer of people, found at the first login. Methods throw `UNREACHABLE`. */
export interface IssuerClient {
  /** Returns where the browser goes to sign in. */
  startUrl(redirectUri: string, checks: LoginChecks): Promise<string>;
  /** Returns who signed in. Throws `LOGIN_FAILED`, `CLOCK_SKEW`, `GROUPS_MISSING`. */
  finish(callback: URL, checks: LoginChecks): Promise<FinishedLogin>;
  /** Returns the address that ends the issuer's session; undefined when the issuer has no such page. */
  findEndSessionUrl(returnTo: string, idToken: string | undefined): Promise<string | undefined>;
  /** Returns the address of the issuer's keys and its name, as found. */
  loadMetadata(): Promise<IssuerMetadata>;
}

export interface IssuerMetadata {
  readonly issuer: string;
  readonly jwksUri: string;
}

const DISCOVERY_MS = 24 * 3_600_000;
const FAILURE_MS = 30_000;
const TIMEOUT_S = 10;
export const CLOCK_TOLERANCE_S = 60;

interface Discovered {
  readonly openid: typeof OpenId;
  readonly metadata: OpenId.ServerMetadata;
}

/** Creates the client of an issuer. Loads and fetches nothing before the first call. */
export function createIssuerClient(options: IssuerOptions, { clock }: { readonly clock: Clock }): IssuerClient {
  const discover = createDiscovery(options, clock);
  const configure = async () => {
    const { openid, metadata } = await discover();
    return { openid, config: toConfiguration(openid, metadata, options, clock) };
  };
  return {
    async startUrl(redirectUri, { state, nonce, codeVerifier }) {
      const { openid, config } = await configure();
      const url = openid.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: toScope(options.scopes, config.serverMetadata().scopes_supported),
        response_type: "code",
        code_challenge: await openid.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: "S256",
        state,
        nonce,
      });
      return url.href;
    },
    async finish(callback, checks) {
      const { openid, config } = await configure();
      try {
        const tokens = await redeemCode(openid, config, callback, checks);
        checkIssuedAt(tokens.claims, { issuer: options.issuer, now: clock.now() });
        const { claims, notes } = await completeClaims(openid, config, tokens, options);
        return { person: toPerson(claims, options), idToken: tokens.idToken, notes };
      } catch (error) {
        throw toLoginError(error, { issuer: options.issuer, now: clock.now() });
      }
    },
    async findEndSessionUrl(returnTo, idToken) {
      const { openid, config } = await configure();
      if (config.serverMetadata().end_session_endpoint === undefined) return undefined;
      const hint = defined({ id_token_hint: idToken });
      return openid.buildEndSessionUrl(config, { post_logout_redirect_uri: returnTo, ...hint }).href;
    },
    async loadMetadata() {
      const { metadata } = await discover();
      const { issuer, jwks_uri: jwksUri } = metadata;
      if (jwksUri === undefined) {
        throw new StackyardError("LOGIN_FAILED", `${options.issuer} publishes no address of its keys (jwks_uri).`);
      }
      return { issuer, jwksUri };
    },
  };
}

/** Asks an issuer for its metadata, as a login does. Throws `UNREACHABLE` and `LOGIN_FAILED`, with what to correct. */
export async function checkIssuer(issuer: string, deps: { readonly clock: Clock }): Promise<void> {
  await createIssuerClient({ issuer, clientId: "check" }, deps).loadMetadata();
}

/** Caches a discovery for 24 h and a failure for 30 s, so that not every login calls an issuer that is down. */
function createDiscovery(options: IssuerOptions, clock: Clock): () => Promise<Discovered> {
  let kept: { readonly until: number; readonly found: Promise<Discovered> } | undefined;
  return () => {
    const now = clock.now();
    if (kept !== undefined && now < kept.until) return kept.found;
    const found = discoverIssuer(options, now);
    const entry = { until: now + DISCOVERY_MS, found };
    kept = entry;
    found.catch(() => {
      if (kept === entry) kept = { until: clock.now() + FAILURE_MS, found };
    });
    return found;
  };
}

async function discoverIssuer({ issuer, clientId }: IssuerOptions, now: number): Promise<Discovered> {
  const openid = await import("openid-client");
  const server = new URL(issuer);
  const execute = server.protocol === "http:" ? [openid.allowInsecureRequests] : [];
  try {
    const config = await openid.discovery(server, clientId, undefined, openid.None(), { execute, timeout: TIMEOUT_S });
    return { openid, metadata: config.serverMetadata() };
  } catch (error) {
    throw toLoginError(error, { issuer, now, address: toDiscoveryAddress(issuer) });
  }
}

const DISCOVERY_PATH = "/.well-known/openid-configuration";

/** Returns where the issuer's metadata is (OpenID Connect Discovery 1.0, section 4). */
function toDiscoveryAddress(issuer: string): string {
  return issuer.includes("/.well-known/") ? issuer : `${issuer.replace(/\/$/, "")}${DISCOVERY_PATH}`;
}

/**
 * Creates a configuration for one login: openid-client caches the issuer's keys in it for at least a minute, and keys
 * that change meanwhile must not fail a login.
 */
function toConfiguration(
  openid: typeof OpenId,
  metadata: OpenId.ServerMetadata,
  { issuer, clientId, clientSecret }: IssuerOptions,
  clock: Clock,
): OpenId.Configuration {
  const client: Partial<OpenId.ClientMetadata> = {
    [openid.clockTolerance]: CLOCK_TOLERANCE_S,
    // openid-client reads the system's clock; times are compared with ours.
    [openid.clockSkew]: Math.round((clock.now() - Date.now()) / 1_000),
  };
  const auth = clientSecret === undefined ? openid.None() : chooseSecretAuth(openid, metadata, clientSecret);
  const config = new openid.Configuration(metadata, clientId, client, auth);
  config.timeout = TIMEOUT_S;
  if (new URL(issuer).protocol === "http:") openid.allowInsecureRequests(config);
  // Without it, no signature of an ID token is checked.
  openid.enableNonRepudiationChecks(config);
  return config;
}

/** Returns the authentication with the secret. Its default: OpenID Connect Discovery 1.0, section 3. */
function chooseSecretAuth(openid: typeof OpenId, metadata: OpenId.ServerMetadata, secret: string): OpenId.ClientAuth {
  const methods = metadata.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  return methods.includes("client_secret_basic") ? openid.ClientSecretBasic(secret) : openid.ClientSecretPost(secret);
}

/** Returns the scope: some issuers put groups only into the claims of `groups`, others reject unknown scopes. */
function toScope(configured: readonly string[] | undefined, supported: readonly string[] = []): string {
  const scopes = configured ?? ["profile", "email", ...(supported.includes("groups") ? ["groups"] : [])];
  return [...new Set(["openid", ...scopes])].join(" ");
}

interface Tokens {
  readonly claims: Claims;
  readonly idToken: string;
  readonly accessToken: string;
}

async function redeemCode(
  openid: typeof OpenId,
  config: OpenId.Configuration,
  callback: URL,
  { state, nonce, codeVerifier }: LoginChecks,
): Promise<Tokens> {
  const tokens = await openid.authorizationCodeGrant(config, callback, {
    expectedState: state,
    expectedNonce: nonce,
    pkceCodeVerifier: codeVerifier,
    idTokenExpected: true,
  });
  const claims: Claims | undefined = tokens.claims();
  const { id_token: idToken, access_token: accessToken } = tokens;
  if (claims === undefined || idToken === undefined) {
    throw new StackyardError("LOGIN_FAILED", "The issuer sent no ID token.");
  }
  return { claims, idToken, accessToken };
}

/**
 * Adds what the ID token lacks from the userinfo. When it cannot be read, the login continues without; when the issuer
 * does not answer and groups are missing, the person should try again instead of signing in without them.
 */
async function completeClaims(
  openid: typeof OpenId,
  config: OpenId.Configuration,
  { claims, accessToken }: Tokens,
  options: IssuerOptions,
): Promise<{ readonly claims: Claims; readonly notes: readonly string[] }> {
  const notes = noteLongGroups(claims, options);
  const { userinfo_endpoint: address } = config.serverMetadata();
  if (address === undefined || !lacksClaims(claims, options)) return { claims, notes };
  try {
    const more = await openid.fetchUserInfo(config, accessToken, String(claims["sub"]));
    const all = addClaims(claims, more, options);
    return { claims: all, notes: noteLongGroups(all, options) };
  } catch (error) {
    const reason = explainUserinfo(error);
    if (reason === undefined && !hasGroups(claims, options)) throw error;
    return {
      claims,
      notes: [...notes, `The userinfo ${address} ${reason ?? "did not answer"}, so its claims are missing.`],
    };
  }
}

function noteLongGroups(claims: Claims, options: IssuerOptions): readonly string[] {
  const count = countLongGroups(claims, options);
  return count === 0 ? [] : [`Groups with more than ${MAX_GROUP_LENGTH} characters are left out: ${count}.`];
}
