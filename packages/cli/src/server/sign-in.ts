import { defined, isMap, isStackyardError, keepStart } from "@stackyard/core";
import { failToReach, failWith } from "../failure.ts";

/** A server's response to a request for a command-line login (RFC 8628). */
export interface DeviceCode {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly expiresInMs: number;
  readonly intervalMs: number;
}

/** Requests a code. Undefined: sign-in is not configured at this server. Throws `UNREACHABLE`, `RATE_LIMITED`. */
export async function requestDeviceCode(url: string, clientName: string): Promise<DeviceCode | undefined> {
  const { status, body } = await post(`${url}/auth/device`, { client_id: "stackyard-cli", client_name: clientName });
  if (status === 404) return undefined;
  const { device_code, user_code, verification_uri, expires_in, interval } = body;
  if (status !== 200 || typeof device_code !== "string" || typeof user_code !== "string") throw toError(status, body);
  return {
    deviceCode: device_code,
    userCode: user_code,
    verificationUri: toAddress(verification_uri),
    expiresInMs: toMs(expires_in, 600),
    intervalMs: Math.max(1_000, toMs(interval, 5)),
  };
}

const MOST_SECONDS = 31_536_000;

/** Returns a number of seconds as milliseconds; of anything else the default. */
function toMs(seconds: unknown, otherwise: number): number {
  const isUsable = typeof seconds === "number" && seconds >= 0 && seconds <= MOST_SECONDS;
  return (isUsable ? seconds : otherwise) * 1_000;
}

/** Returns an address for a browser. Throws `LOGIN_FAILED` for anything else, such as a file or an option of a program. */
function toAddress(value: unknown): string {
  const address = typeof value === "string" ? URL.parse(value) : null;
  if (address !== null && /^https?:$/.test(address.protocol)) return address.href;
  throw failWith("LOGIN_FAILED", "The server names no address to sign in at.");
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The result of polling for the person's answer. */
export type PollResult =
  | { readonly kind: "signed-in"; readonly token: string; readonly name: string; readonly lifetimeMs: number }
  | { readonly kind: "pending" | "slow-down" };

/**
 * Polls for the person's answer, until the signal is aborted. Throws `LOGIN_FAILED` when the login was denied or has
 * expired, and `UNREACHABLE`.
 */
export async function pollDeviceCode(url: string, deviceCode: string, signal: AbortSignal): Promise<PollResult> {
  const fields = {
    grant_type: "urn:ietf:params:oauth:grant-type:device_code",
    device_code: deviceCode,
    client_id: "stackyard-cli",
  };
  const { status, body } = await post(`${url}/auth/token`, fields, { signal });
  const { access_token, name, expires_in, error } = body;
  if (status === 200 && typeof access_token === "string") {
    return {
      kind: "signed-in",
      token: access_token,
      name: toText(name),
      lifetimeMs: toMs(expires_in, 0),
    };
  }
  if (error === "authorization_pending") return { kind: "pending" };
  if (error === "slow_down") return { kind: "slow-down" };
  if (error === "access_denied") throw failWith("LOGIN_FAILED", "The login was denied in the browser.");
  if (error === "expired_token") throw failWith("LOGIN_FAILED", "The code is older than 10 minutes. Sign in again.");
  throw toError(status, body);
}

/** Whom a one-time code is for. `stackyard dev` ignores it: there the person is the user of the machine. */
export interface CodePerson {
  readonly name: string;
  readonly role?: string;
  readonly groups?: string;
}

/** Returns an address at which a browser signs in once; undefined when the server does not offer one to this token. */
export async function requestLocalUrl(url: string, token: string, person: CodePerson): Promise<string | undefined> {
  const { status, body } = await requestCode(url, token, person);
  return status === 200 && typeof body["url"] === "string" ? toAddress(body["url"]) : undefined;
}

/** Returns such an address, or throws why the server does not offer one. */
export async function requireLocalUrl(url: string, token: string, person: CodePerson): Promise<string> {
  const { status, body } = await requestCode(url, token, person);
  if (status === 200 && typeof body["url"] === "string") return toAddress(body["url"]);
  const detail = typeof body["detail"] === "string" ? body["detail"] : `The server answered ${status}.`;
  if (status === 404) {
    throw failWith("NOT_CONFIGURED", "This server has no one-time codes.", {
      hint: "Codes need a configured token, no access.people, and server.url on other addresses than 127.0.0.1.",
    });
  }
  throw failWith(status === 403 ? "FORBIDDEN" : status === 400 ? "USAGE" : "LOGIN_FAILED", detail);
}

function requestCode(url: string, token: string, { name, role, groups }: CodePerson): Promise<Answer> {
  return post(`${url}/auth/local`, defined({ name, role, groups }), { token });
}

/** Ends the session of a token. Returns false when the server does not have it any more. Throws `UNREACHABLE`. */
export async function endLogin(url: string, token: string): Promise<boolean> {
  const { status, body } = await post(`${url}/auth/logout`, {}, { token });
  if (status === 200) return true;
  if (status === 401) return false;
  throw toError(status, body);
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const TIMEOUT_MS = 30_000;

interface PostOptions {
  readonly token?: string;
  readonly signal?: AbortSignal;
}

async function post(
  url: string,
  fields: Readonly<Record<string, string>>,
  { token, signal }: PostOptions = {},
): Promise<Answer> {
  const ends = [AbortSignal.timeout(TIMEOUT_MS), ...(signal === undefined ? [] : [signal])];
  try {
    const response = await fetch(url, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { accept: "application/json", ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      redirect: "error",
      signal: AbortSignal.any(ends),
    });
    const body: unknown = await response.json().catch(() => undefined);
    return { status: response.status, body: isMap(body) ? toOneLines(body) : {} };
  } catch (cause) {
    throw isStackyardError(cause) ? cause : failToReach(new URL(url).origin, cause);
  }
}

/** Returns an answer whose texts are one line each, without what a terminal would interpret: no server adds lines to what is printed. */
function toOneLines(body: Answer["body"]): Answer["body"] {
  const clean = (value: unknown) =>
    typeof value === "string" ? keepStart(value.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " "), 1_024) : value;
  return Object.fromEntries(Object.entries(body).map(([key, value]) => [key, clean(value)]));
}

function toError(status: number, { code, detail }: Answer["body"]): Error {
  const message = typeof detail === "string" ? detail : `The server answered ${status} to the login.`;
  if (status === 429) return failWith("RATE_LIMITED", message);
  if (status === 403 && code === "NO_GRANT") return failWith("NO_GRANT", message);
  if (status === 401) return failWith("LOGIN_FAILED", message);
  return failWith(status >= 500 ? "UNREACHABLE" : "LOGIN_FAILED", message);
}
