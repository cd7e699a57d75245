import { isMap } from "@stackyard/core";

/** True when an error is an answer with this status. */
export function hasStatus(error: unknown, status: number): boolean {
  return isMap(error) && error["status"] === status;
}

/** True when a list has another page. Source: "Using pagination in the REST API", GitHub Docs. */
export function hasNextPage({ link = "" }: { readonly link?: string }): boolean {
  return link.includes('rel="next"');
}

/**
 * Returns how many seconds GitHub asks to wait after an error; undefined: it does not ask.
 * Source: "Rate limits for the REST API", GitHub Docs.
 */
export function toRetryAfterSeconds(error: unknown): number | undefined {
  const response = isMap(error) ? error["response"] : undefined;
  const headers = isMap(response) ? response["headers"] : undefined;
  const seconds = Number(isMap(headers) ? headers["retry-after"] : undefined);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}
