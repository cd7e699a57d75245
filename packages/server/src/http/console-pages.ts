import { randomBytes } from "node:crypto";
import { consolePaths, findConsoleFile } from "@stackyard/console";
import type { Hono } from "hono";
import { toPageHeaders, toPagePolicy } from "../access/auth-pages.ts";
import type { ConsoleFiles } from "../server-options.ts";
import { HttpError } from "./problem.ts";

const builtConsole: ConsoleFiles = { paths: consolePaths, find: findConsoleFile };

/** Only the worker policy may turn texts into addresses of scripts, and the default policy only empties elements. */
const TRUSTED_TYPES = ["require-trusted-types-for 'script'", "trusted-types stackyard-worker default"];

/**
 * Serves the console: its pages, and the assets that they load. Both are public, so that links from other sites work
 * although browsers withhold the cookie; their data comes from the API, which checks each call.
 */
export function mountConsole(app: Hono, { paths, find }: ConsoleFiles = builtConsole): void {
  for (const path of paths) {
    app.get(path, () => toConsolePage(find, "/index.html"));
    // A slash too many.
    if (path !== "/") app.get(`${path}/`, ({ req }) => toRedirect(`${path}${new URL(req.url).search}`));
  }
  mountAssets(app, find);
}

/**
 * Answers a browser at a path that does not exist with the console, which says so; undefined for programs.
 */
export function answerUnknownPath(
  { method, headers, url }: Request,
  { find }: ConsoleFiles = builtConsole,
): Response | undefined {
  const isPage = (method === "GET" || method === "HEAD") && /\btext\/html\b/.test(headers.get("accept") ?? "");
  // Paths that begin so belong to programs: their errors are the API's.
  if (!isPage || /^\/(v1|auth|assets|docs|terraform|hooks|wake|health|metrics)(\/|$)/.test(new URL(url).pathname))
    return undefined;
  return find("/index.html") === undefined ? undefined : toConsolePage(find, "/index.html", 404);
}

/** The page of an incident, around the place of the bundle that it contains. */
interface IncidentPage {
  readonly before: string;
  readonly after: string;
}

/** Returns the page of an incident; undefined where it is not built. */
export function findIncidentPage({ find }: ConsoleFiles = builtConsole): IncidentPage | undefined {
  const file = find("/incident.html");
  if (file === undefined) return undefined;
  const [before = "", after = ""] = Buffer.from(file.read()).toString("utf8").split("__BUNDLE__");
  return { before, after };
}

function toRedirect(location: string): Response {
  return new Response(null, { status: 308, headers: { location } });
}

/** Serves the editor of machines alone, which needs no API. */
export function mountEditor(app: Hono, { find }: ConsoleFiles = builtConsole): void {
  app.get("/", () => toConsolePage(find, "/editor.html"));
  mountAssets(app, find);
}

function mountAssets(app: Hono, find: ConsoleFiles["find"]): void {
  app.get("/assets/:name", ({ req }) => toAsset(find, req.path, req.header("accept-encoding") ?? ""));
}

function toConsolePage(find: ConsoleFiles["find"], path: string, status = 200): Response {
  const file = find(path);
  if (file === undefined) throw new HttpError(404, "NOT_FOUND", NOT_BUILT);
  const nonce = randomBytes(16).toString("base64url");
  const text = Buffer.from(file.read()).toString("utf8").replaceAll("__NONCE__", nonce);
  return new Response(text, {
    status,
    headers: {
      ...toPageHeaders(nonce, TRUSTED_TYPES),
      "content-type": file.contentType,
      "cache-control": "no-store",
    },
  });
}

/** Workers get their policy from their own response (HTML, "initialize worker policy container"). */
const ASSET_POLICY = toPagePolicy("'self'", TRUSTED_TYPES);

function toAsset(find: ConsoleFiles["find"], path: string, accepted: string): Response {
  const file = find(path);
  if (file === undefined) throw new HttpError(404, "NOT_FOUND", "Path not found. /openapi.json lists all paths.");
  const encoding = file.encodings.find((each) => accepts(accepted, each));
  const headers = new Headers({
    "content-type": file.contentType,
    "content-security-policy": ASSET_POLICY,
    "cache-control": file.immutable ? "public, max-age=31536000, immutable" : "no-store",
    vary: "accept-encoding",
  });
  if (encoding !== undefined) headers.set("content-encoding", encoding);
  return new Response(file.read(encoding), { headers });
}

/** Returns whether an `Accept-Encoding` header names a coding without refusing it by `q=0` (RFC 9110, 12.5.3). */
function accepts(header: string, encoding: string): boolean {
  const parts = header.toLowerCase().split(",");
  return parts.some((part) => {
    const [name, ...parameters] = part.split(";").map((text) => text.trim());
    return name === encoding && !parameters.some((text) => /^q=0(\.0*)?$/.test(text));
  });
}

const NOT_BUILT =
  "The console is not built. In a clone of Stackyard, run `npm run build`; elsewhere, install @stackyard/console again.";
