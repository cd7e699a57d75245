import { cutText, isPathPart } from "@stackyard/core";
import type { ServerSettings } from "../server-options.ts";
import type { ProblemInput } from "./problem.ts";

interface RefusalSettings extends Pick<ServerSettings, "allowedHosts" | "corsOrigins"> {
  readonly url?: string | undefined;
  /** The path and query as they were sent: the address of the request has them resolved. */
  readonly target?: string | undefined;
}

/**
 * Returns why a request is rejected before any other check. A page of another site can make a browser call a server on
 * the loopback, also under a name that resolves to it (DNS rebinding). Such requests have an unknown `Host` or
 * `Origin`.
 */
export function findRefusal(request: Request, settings: RefusalSettings): ProblemInput | undefined {
  const url = new URL(request.url);
  if (settings.target !== undefined && hasStep(settings.target)) {
    const detail = 'The path has the step "." or "..", which no id or name can be.';
    return { status: 400, code: "USAGE", detail };
  }
  if (!isWellEncoded(url.pathname)) {
    return { status: 400, code: "USAGE", detail: "The path is not percent-encoded UTF-8." };
  }
  const hosts = [url.hostname, hostnameOf(request.headers.get("host"))];
  const unknown = hosts.find((host) => host !== undefined && settings.allowedHosts?.has(host) === false);
  if (unknown !== undefined) {
    const name = cutText(unknown, LONGEST_NAME);
    const detail = `The server is not known by the host name "${name}". If people and programs use it, set server.url in the configuration to that address.`;
    return { status: 421, code: "FORBIDDEN", detail };
  }
  const origin = request.headers.get("origin");
  if (origin !== null && !isKnownOrigin(origin, request, url, settings)) {
    return { status: 403, code: "FORBIDDEN", detail: "Pages of this origin may not call the API." };
  }
  return undefined;
}

/**
 * Returns true for a path as it was sent with a step, also an encoded one: addresses resolve it, so the request would reach
 * another operation than its sender has meant.
 */
function hasStep(target: string): boolean {
  const [path = ""] = target.split(/[?#]/);
  return path.split("/").some((part) => !isPathPart(part.replaceAll(/%2e/gi, ".")));
}

/** RFC 1035, section 2.3.4. */
const LONGEST_NAME = 255;

function isKnownOrigin(
  origin: string,
  request: Request,
  url: URL,
  { corsOrigins, url: ownUrl }: Pick<ServerSettings, "corsOrigins"> & { readonly url?: string | undefined },
): boolean {
  if (origin === originOf(request, url) || corsOrigins.has(origin)) return true;
  if (ownUrl !== undefined && origin === new URL(ownUrl).origin) return true;
  // Forms of pages without a referrer name no origin (Fetch, "serializing a request origin"); this header identifies their page.
  return origin === "null" && request.headers.get("sec-fetch-site") === "same-origin";
}

function isWellEncoded(path: string): boolean {
  try {
    return decodeURIComponent(path).isWellFormed();
  } catch {
    return false;
  }
}

/** Returns the lower-case name in a `Host` header, without port; a name that is never allowed for an invalid one. */
function hostnameOf(header: string | null): string | undefined {
  if (header === null) return undefined;
  return URL.parse(`http://${header}`)?.hostname ?? "";
}

function originOf(request: Request, url: URL): string {
  return `${url.protocol}//${request.headers.get("host") ?? url.host}`;
}
