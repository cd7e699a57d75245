import type { ProblemInput } from "../http/problem.ts";
import { isLoopbackHost } from "../server-options.ts";

/** Where browsers reach the server: `server.url`. */
export interface BrowserPlace {
  readonly url: URL;
}

/** Names of our cookies for one request. */
export interface CookieNames {
  readonly session: string;
  /** The beginning of the names of logins that are under way; `toLoginCookieName` completes it. */
  readonly login: string;
  readonly secure: boolean;
}

/**
 * Returns the names of the cookies. `__Host-` makes browsers restrict them to this exact host, with TLS. The loopback
 * has no TLS, and cookies of all ports share one jar (RFC 6265, 8.5), so the port is part of the name.
 */
export function toCookieNames({ url }: BrowserPlace, request: Request): CookieNames {
  if (url.protocol === "https:") return { session: "__Host-stackyard", login: "__Host-stackyard-login", secure: true };
  const port = portOf(request);
  return { session: `stackyard-${port}`, login: `stackyard-login-${port}`, secure: false };
}

/**
 * Returns the name of the cookie of one login: tabs that sign in at the same time must not take each other's cookie.
 * The state is the issuer's echo, so any text may come as one.
 */
export function toLoginCookieName({ login }: CookieNames, state: string): string {
  return `${login}-${state.replaceAll(/[^\w-]/g, "").slice(0, 12)}`;
}

/** Returns the names of the login cookies of a request, in the order of the browser: the oldest first (RFC 6265, 5.4). */
export function listLoginCookies(request: Request, { login }: CookieNames): readonly string[] {
  const names = listPairs(request).map((pair) => pair.split("=")[0] ?? "");
  return names.filter((name) => name.startsWith(`${login}-`));
}

function listPairs(request: Request): readonly string[] {
  return (request.headers.get("cookie") ?? "").split(";").map((pair) => pair.trim());
}

/** Returns the value of a cookie of a request; undefined when the name is missing or occurs twice. */
export function findCookie(request: Request, name: string): string | undefined {
  const pairs = listPairs(request);
  const values = pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
  return values.length === 1 ? values[0] : undefined;
}

interface CookieOptions {
  readonly secure: boolean;
  /** `Lax` cookies come along when the issuer sends the browser back. */
  readonly sameSite: "Strict" | "Lax";
  /** 0 removes the cookie. */
  readonly maxAgeSeconds: number;
}

/** Formats a `Set-Cookie` header. */
export function formatCookie(name: string, value: string, { secure, sameSite, maxAgeSeconds }: CookieOptions): string {
  const flags = [
    "Path=/",
    `Max-Age=${maxAgeSeconds}`,
    "HttpOnly",
    `SameSite=${sameSite}`,
    ...(secure ? ["Secure"] : []),
  ];
  return `${name}=${value}; ${flags.join("; ")}`;
}

/**
 * Returns why a request that a browser sends with our cookie, or from one of our pages, is rejected: its host is not
 * ours (DNS rebinding), or a page of another origin sent it (CSRF).
 */
export function findBrowserRefusal(request: Request, place: BrowserPlace): ProblemInput | undefined {
  const host = request.headers.get("host") ?? new URL(request.url).host;
  if (!isOurHost(host, place)) {
    const detail = `Browsers reach this server as ${place.url.origin}.`;
    return { status: 421, code: "FORBIDDEN", detail };
  }
  if (isOurPage(request, host, place)) return undefined;
  return { status: 403, code: "FORBIDDEN", detail: "A page of another origin made this request." };
}

function isOurHost(host: string, { url }: BrowserPlace): boolean {
  return host.toLowerCase() === url.host || isLoopback(host);
}

function isLoopback(host: string): boolean {
  const name = URL.parse(`http://${host}`)?.hostname.replace(/^\[|\]$/g, "");
  return name !== undefined && isLoopbackHost(name);
}

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

function isOurPage(request: Request, host: string, { url }: BrowserPlace): boolean {
  const site = request.headers.get("sec-fetch-site");
  // `none`: the person typed the address or opened a bookmark.
  if (site !== null) return site === "same-origin" || (site === "none" && SAFE_METHODS.has(request.method));
  const origin = request.headers.get("origin");
  return origin !== null && (origin === url.origin || (isLoopback(host) && origin === `http://${host}`));
}

/**
 * Returns the path to return to; `/` for anything that a browser would resolve to another site, such as
 * `//example.org`, `/\example.org` or an address.
 */
export function toReturnPath(text: string | null | undefined, { url }: BrowserPlace): string {
  if (text === null || text === undefined || !/^\/(?![/\\])[\x21-\x7e]{0,2000}$/.test(text)) return "/";
  const parsed = URL.parse(text, url.origin);
  if (parsed === null || parsed.origin !== url.origin || text.includes("\\")) return "/";
  const path = `${parsed.pathname}${parsed.search}`;
  // Checked as a browser will read it: `/.//example.org` becomes `//example.org`.
  return URL.parse(path, url.origin)?.href === `${url.origin}${path}` ? path : "/";
}

/** Returns the port in the `Host` header of a request without TLS. */
export function portOf(request: Request): string {
  return URL.parse(`http://${request.headers.get("host") ?? new URL(request.url).host}`)?.port || "80";
}
