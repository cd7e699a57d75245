/** Adds the headers of every answer. */
export function addCommonHeaders(headers: Headers, requestId: string): void {
  headers.set("x-request-id", requestId);
  headers.set("x-content-type-options", "nosniff");
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  // Pages have their own policy.
  if (headers.has("content-security-policy")) return;
  // Responses are data. If a browser renders one, such as an SVG, it must not run or load anything.
  headers.set(
    "content-security-policy",
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox",
  );
}
