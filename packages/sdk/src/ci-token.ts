import { parseJson, StackyardError } from "@stackyard/core";
import { toApiError, toTransportError } from "./http-client.ts";

/** The options to exchange a job's token. */
export interface CiTokenOptions {
  /** The address of the server; its origin is the audience of the job's token. */
  readonly url: string;
  /** The environment of the job, such as `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
  /** Called with each secret before it is used, for example to mask it in the job's log. */
  readonly onSecret?: (secret: string) => void;
}

/** The session is renewed early, so that none expires during a request. */
const EARLY_MS = 5 * 60_000;
const TIMEOUT_MS = 30_000;

/**
 * Returns the tokens of a job without a stored secret; undefined when the environment is not that of a job. The job's own
 * token (`STACKYARD_ID_TOKEN`, or that of GitHub Actions with the permission `id-token: write`) is exchanged at the
 * server for a session of an hour, at the first request and again before it ends. The tokens throw `LOGIN_FAILED`,
 * `CLOCK_SKEW`, `NO_GRANT` and `UNREACHABLE`.
 */
export function createCiToken(options: CiTokenOptions): (() => Promise<string>) | undefined {
  const findIdToken = toIdTokenSource(options);
  if (findIdToken === undefined) return undefined;
  let kept: { readonly token: string; readonly until: number } | undefined;
  let pending: Promise<string> | undefined;
  const renew = async () => {
    const idToken = await findIdToken();
    options.onSecret?.(idToken);
    const session = await exchange(idToken, options);
    options.onSecret?.(session.token);
    kept = { token: session.token, until: Date.now() + session.lifetimeMs - EARLY_MS };
    return session.token;
  };
  return async () => {
    if (kept !== undefined && Date.now() < kept.until) return kept.token;
    pending ??= renew().finally(() => {
      pending = undefined;
    });
    return pending;
  };
}

function toIdTokenSource(options: CiTokenOptions): (() => Promise<string>) | undefined {
  const { STACKYARD_ID_TOKEN: given, ACTIONS_ID_TOKEN_REQUEST_URL: url } = options.env;
  if (given) return async () => given;
  return url ? () => requestGithubToken(url, options) : undefined;
}

/** Requests the job's token ("Security hardening your deployments: OpenID Connect reference", GitHub Actions). */
async function requestGithubToken(requestUrl: string, options: CiTokenOptions): Promise<string> {
  const { url, env } = options;
  const target = new URL(requestUrl);
  target.searchParams.set("audience", new URL(url).origin);
  const headers = {
    authorization: `Bearer ${env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] ?? ""}`,
    accept: "application/json",
  };
  const body = await send(target.href, { headers }, options);
  if (typeof body === "object" && body !== null && "value" in body && typeof body.value === "string") return body.value;
  throw new StackyardError("LOGIN_FAILED", "GitHub Actions did not issue an ID token to the job.");
}

async function exchange(idToken: string, options: CiTokenOptions) {
  const form = new URLSearchParams({
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    subject_token: idToken,
    subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
  });
  const url = `${options.url.replace(/\/$/, "")}/auth/token`;
  const body = await send(url, { method: "POST", body: form, headers: { accept: "application/json" } }, options);
  if (typeof body === "object" && body !== null && "access_token" in body && typeof body.access_token === "string") {
    const seconds = "expires_in" in body ? Number(body.expires_in) : 0;
    return { token: body.access_token, lifetimeMs: seconds * 1_000 };
  }
  throw new StackyardError("LOGIN_FAILED", "The server returned no token for the job's ID token.");
}

async function send(url: string, init: RequestInit, { fetch: given }: CiTokenOptions): Promise<unknown> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const call = given ?? ((...input: Parameters<typeof fetch>) => globalThis.fetch(...input));
  let response: Response;
  let text: string;
  try {
    response = await call(url, { ...init, signal: limit, redirect: "error" });
    text = await response.text();
  } catch (error) {
    throw toTransportError(error, { limit, url: new URL(url).origin });
  }
  if (!response.ok) throw toApiError(response, text, new URL(url).origin);
  return parseJson(text);
}
