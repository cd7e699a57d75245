import { type Clock, defined, StackyardError } from "@stackyard/core";
import type * as OpenId from "openid-client";
import { toLoginError } from "./login-errors.ts";

/** Where people sign in, and what their claims mean. */
export interface IssuerOptions {
  /** Such as `https://id.example.org`; `http:` only on loopback addresses. */
  readonly issuer: string;
  readonly clientId: string;
  /** Without it, a public client. */
  readonly clientSecret?: string;
  /** The path to the groups in the claims. Default: `["groups"]`. */
  readonly groupsClaim?: readonly string[];
  /** Groups that count, each with at most one trailing `*`. Default: all. */
  readonly keepGroups?: readonly string[];
}

/** A person, as the issuer vouches for them. */
export interface SignedInPerson {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  /** Unique, in order. */
  readonly groups: readonly string[];
  /** The issuer's own session, for its logout. */
  readonly sid?: string;
}

/** A person who has just signed in. */
export interface FinishedLogin {
  readonly person: SignedInPerson;
  /** Some issuers end their session only for who shows it. */
  readonly idToken: string;
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
        scope: toScope(config.serverMetadata().scopes_supported),
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
        const { claims, idToken } = await loadClaims(openid, config, callback, checks);
        return { person: toPerson(claims, options), idToken };
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
    throw toLoginError(error, { issuer, now });
  }
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
function toScope(supported: readonly string[] | undefined): string {
  return supported?.includes("groups") ? "openid profile email groups" : "openid profile email";
}

type Claims = Readonly<Record<string, unknown>>;

async function loadClaims(
  openid: typeof OpenId,
  config: OpenId.Configuration,
  callback: URL,
  { state, nonce, codeVerifier }: LoginChecks,
): Promise<{ readonly claims: Claims; readonly idToken: string }> {
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
  if (config.serverMetadata().userinfo_endpoint === undefined) return { claims, idToken };
  const more = await openid.fetchUserInfo(config, accessToken, String(claims["sub"]));
  // Claims of the ID token are signed, so they take precedence.
  return { claims: { ...more, ...claims }, idToken };
}

const MAX_GROUPS = 50;
const MAX_GROUP_LENGTH = 128;
const MAX_NAME_LENGTH = 256;

/** Reads a person from the claims of an issuer. Throws `LOGIN_FAILED` and `GROUPS_MISSING`. */
export function toPerson(claims: Claims, options: IssuerOptions): SignedInPerson {
  const { iss, sub, sid } = claims;
  if (typeof iss !== "string" || typeof sub !== "string" || sub === "") {
    throw new StackyardError("LOGIN_FAILED", "The ID token names no issuer or no subject.");
  }
  const name = [claims["email"], claims["preferred_username"], sub].find(isName) ?? sub;
  return {
    issuer: iss,
    subject: sub.slice(0, MAX_NAME_LENGTH),
    name,
    groups: readGroups(claims, options),
    ...defined({ sid: typeof sid === "string" ? sid : undefined }),
  };
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_NAME_LENGTH && !/\p{Cc}/u.test(value);
}

function readGroups(claims: Claims, { groupsClaim = ["groups"], keepGroups }: IssuerOptions): readonly string[] {
  const [first = ""] = groupsClaim;
  const names = claims["_claim_names"];
  // Microsoft Entra ID, "Groups overage claim": above 200 groups the token contains only an address of them.
  if (typeof names === "object" && names !== null && Object.hasOwn(names, first)) {
    throw groupsMissing("The person is in more groups than the issuer puts into a token.");
  }
  const found = groupsClaim.reduce<unknown>(readKey, claims);
  const listed = typeof found === "string" ? [found] : found;
  if (listed === undefined || listed === null) return [];
  if (!Array.isArray(listed) || listed.some((group) => typeof group !== "string")) {
    throw new StackyardError("LOGIN_FAILED", `The claim ${groupsClaim.join(".")} is not a list of groups.`);
  }
  const kept = listed.filter((group: string) => keepGroups === undefined || keepGroups.some((p) => fits(group, p)));
  const groups = [...new Set<string>(kept)].sort();
  if (groups.length > MAX_GROUPS)
    throw groupsMissing(`${groups.length} groups of the person match keepGroups; at most ${MAX_GROUPS} are allowed.`);
  const long = groups.find((group) => group.length > MAX_GROUP_LENGTH);
  if (long !== undefined) throw groupsMissing(`A group has more than ${MAX_GROUP_LENGTH} characters.`);
  return groups;
}

function readKey(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Claims)[key];
}

function fits(text: string, pattern: string): boolean {
  return pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}

function groupsMissing(what: string): StackyardError {
  const message = `${what} At most ${MAX_GROUPS} groups are kept; name those that grants need in access.people.keepGroups.`;
  return new StackyardError("GROUPS_MISSING", message);
}
