const ALLOWED_HEADERS = "authorization, content-type, last-event-id";

const PREFLIGHT_SECONDS = "600";

/** Returns the response to a CORS preflight. The headers of `addCorsHeaders` decide whether the request is allowed. */
export function answerPreflight(request: Request): Response {
  const asks = request.headers.has("access-control-request-method");
  const headers = {
    "access-control-allow-methods": "GET, POST, PUT, DELETE",
    "access-control-allow-headers": ALLOWED_HEADERS,
    "access-control-max-age": PREFLIGHT_SECONDS,
  };
  return new Response(null, { status: 204, headers: asks ? headers : {} });
}

/** Allows a page of an allowed origin to read the response. Without these headers, browsers deny it. */
export function addCorsHeaders(headers: Headers, request: Request, origins: ReadonlySet<string>): void {
  if (origins.size === 0) return;
  headers.append("vary", "origin");
  const origin = request.headers.get("origin");
  if (origin === null || !origins.has(origin)) return;
  headers.set("access-control-allow-origin", origin);
  headers.set("access-control-expose-headers", "x-request-id, content-range");
}
