import { isMap, StackyardError } from "@stackyard/core";
import type { HostFault } from "../report/report-host.ts";

/** GitHub requires a wait, so a request was not sent. */
export class AskedToWait extends StackyardError {
  /** Epoch milliseconds. */
  readonly until: number;

  constructor(until: number, now: number) {
    super("SERVER_ERROR", `GitHub asks to wait ${Math.ceil((until - now) / 1_000)} s.`);
    this.until = until;
  }
}

/** The installation of the App, or the token, lacks a right. GitHub does not take the request before people grant it. */
export class RightMissing extends StackyardError {
  constructor(rights: readonly string[], repository: string, options: ErrorOptions) {
    const missing = rights.map((right) => `"${right}"`).join(", ");
    const advice = "Grant it in the settings of the App, and accept it in its installation.";
    super("SERVER_ERROR", `The permission ${missing} is missing at ${repository}. ${advice}`, options);
  }
}

/** Returns the error to throw instead: GitHub's own does not name the permission. */
export function toRightFault(error: unknown, rights: readonly string[], repository: string): unknown {
  const message = isMap(error) && typeof error["message"] === "string" ? error["message"] : "";
  // Sources: "Create an installation access token for an app", and "Troubleshooting the REST API", GitHub Docs.
  const isMissing =
    (hasStatus(error, 422) && message.includes("permissions requested are not granted")) ||
    (hasStatus(error, 403) && message.includes("Resource not accessible by "));
  return isMissing ? new RightMissing(rights, repository, { cause: error }) : error;
}

/** Returns true if the error is a response with this status. */
export function hasStatus(error: unknown, status: number): boolean {
  return isMap(error) && error["status"] === status;
}

/** Returns true if a list has another page. Source: "Using pagination in the REST API", GitHub Docs. */
export function hasNextPage({ link = "" }: { readonly link?: string }): boolean {
  return link.includes('rel="next"');
}

/** GitHub advises a minute where it limits requests without a time. */
const LIMIT_SECONDS = 60;
/** Limits are counted by the hour. A longer wait comes from a clock that differs. */
const MOST_SECONDS = 3_600;

/**
 * Returns how many seconds GitHub requires to wait with all requests after an error; undefined if it does not. Source:
 * "Rate limits for the REST API", GitHub Docs.
 */
export function toRetryAfterSeconds(error: unknown): number | undefined {
  const seconds = Number(toHeaders(error)["retry-after"]);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}

/** Returns how many seconds the token of a request must wait whose limit is used up; such a response is not a refusal. */
function toLimitSeconds(error: unknown, now: number): number | undefined {
  const headers = toHeaders(error);
  if (!isLimited(error, headers)) return undefined;
  const left = Math.ceil(Number(headers["x-ratelimit-reset"]) - now / 1_000);
  return left > 0 && left <= MOST_SECONDS ? left : LIMIT_SECONDS;
}

function toHeaders(error: unknown): Readonly<Record<string, unknown>> {
  const response = isMap(error) ? error["response"] : undefined;
  return isMap(response) && isMap(response["headers"]) ? response["headers"] : {};
}

function isLimited(error: unknown, headers: Readonly<Record<string, unknown>>): boolean {
  if (hasStatus(error, 429)) return true;
  if (!hasStatus(error, 403)) return false;
  const message = isMap(error) ? String(error["message"]) : "";
  return String(headers["x-ratelimit-remaining"]) === "0" || /\brate limit\b/i.test(message);
}

/** Returns true if a conversation is locked: that is about one pull request. Source: "Locking conversations", GitHub Docs. */
function isLocked(error: unknown): boolean {
  return isMap(error) && /\bis locked\b/.test(String(error["message"]));
}

/** Returns why a request failed; undefined for an error that does not come from a request. */
export function toHostFault(error: unknown, now: number): HostFault | undefined {
  if (error instanceof AskedToWait) return { kind: "waiting", until: error.until };
  if (error instanceof RightMissing) return { kind: "forbidden" };
  const status = isMap(error) ? error["status"] : undefined;
  if (typeof status !== "number") return undefined;
  const seconds = toRetryAfterSeconds(error) ?? toLimitSeconds(error, now);
  if (seconds !== undefined) return { kind: "waiting", until: now + seconds * 1_000 };
  return toStatusFault(status, error);
}

/** Returns why a request failed whose response requires no wait. */
function toStatusFault(status: number, error: unknown): HostFault {
  if (status === 401) return { kind: "unauthorized" };
  if (status === 403 && isLocked(error)) return { kind: "refused" };
  // An App that is not installed may not see that a repository exists.
  if (status === 403 || status === 404) return { kind: "forbidden" };
  // A request that got no answer has the status 500 too.
  return { kind: status >= 500 || status === 429 || status === 408 ? "down" : "refused" };
}
