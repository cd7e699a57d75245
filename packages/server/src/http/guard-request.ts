import type { ProblemInput } from "./problem.ts";

/** Who may call: see `ServerSettings`. */
export interface GuardSettings {
  readonly allowedHosts: ReadonlySet<string> | undefined;
  readonly corsOrigins: ReadonlySet<string>;
}

/**
 * Why a request is refused before anything else is looked at. A page of another site can make a browser call a server
 * on the loopback, also under a name that it has pointed there (DNS rebinding): such calls carry a foreign `Host` or
 * `Origin`.
 */
export function findRefusal(request: Request, settings: GuardSettings): ProblemInput | undefined {
  const url = new URL(request.url);
  if (!isWellEncoded(url.pathname)) {
    return { status: 400, code: "USAGE", detail: "The path is not percent-encoded UTF-8." };
  }
  const hosts = [url.hostname, hostnameOf(request.headers.get("host"))];
  if (hosts.some((host) => host !== undefined && settings.allowedHosts?.has(host) === false)) {
    return {
      status: 421,
      code: "FORBIDDEN",
      detail: "The server is not called by this name. Name it in allowedHosts.",
    };
  }
  const origin = request.headers.get("origin");
  if (origin !== null && origin !== originOf(request, url) && !settings.corsOrigins.has(origin)) {
    return { status: 403, code: "FORBIDDEN", detail: "Pages of this origin may not call the API." };
  }
  return undefined;
}

function isWellEncoded(path: string): boolean {
  try {
    return decodeURIComponent(path).isWellFormed();
  } catch {
    return false;
  }
}

/** The name in a `Host` header, lower-case and without port; a header that is none stays a name that nobody allows. */
function hostnameOf(header: string | null): string | undefined {
  if (header === null) return undefined;
  return URL.parse(`http://${header}`)?.hostname ?? "";
}

function originOf(request: Request, url: URL): string {
  return `${url.protocol}//${request.headers.get("host") ?? url.host}`;
}
