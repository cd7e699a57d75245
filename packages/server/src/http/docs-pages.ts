import { createHash } from "node:crypto";
import { createReadStream, readdirSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { Readable } from "node:stream";

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".md": "text/markdown; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

/** The documentation has scripts of its own and no API: a page cannot call the yard with the reader's session. */
const POLICY = [
  "default-src 'none'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'none'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
];

const NOT_INSTALLED = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Documentation · Stackyard</title>
<h1>The documentation is not installed</h1>
<p>In the folder of the server's project, run <code>npm install ./stackyard-docs-VERSION.tgz</code> with the file of the
release, then start the server again.</p>
<p><a href="/">Open the console</a></p></html>
`;
const MOST_SUGGESTIONS = 5;

/** Answers a request below `/docs`. */
export type AnswerDocs = (request: Request) => Promise<Response>;

/** Serves the files of the built documentation that `folder` contains now; without a folder, a page that says how to install them. */
export function createDocs(folder: string | undefined): AnswerDocs {
  const files = folder === undefined ? new Map<string, string>() : listFiles(folder);
  const seen = new Map<string, SeenFile>();
  return async (request) => {
    const path = decodeURIComponent(new URL(request.url).pathname.slice("/docs/".length));
    const file = [path, `${path}.html`, `${path}index.html`].map((each) => files.get(each)).find((each) => each);
    if (file === undefined) return toNotice(files.size === 0 ? NOT_INSTALLED : toNotFound(path, files));
    const found = await readFacts(file, seen);
    const headers = toHeaders(file, found);
    if (isKnown(request.headers.get("if-none-match"), found.tag)) return new Response(null, { status: 304, headers });
    if (request.method === "HEAD") return new Response(null, { headers });
    return new Response(Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>, { headers });
  };
}

/** Returns the files by their paths, so that a path from outside reaches no other file. */
function listFiles(folder: string): ReadonlyMap<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = entries.map((entry) => join(entry.parentPath, entry.name));
  return new Map(files.map((file) => [relative(folder, file).split(sep).join("/"), file]));
}

/** The facts of a file that was read. */
interface SeenFile {
  /** Differs once the file was replaced. npm gives all files the same time. */
  readonly version: string;
  readonly tag: string;
  /** The sources of the scripts that a page contains, for its policy. */
  readonly scripts: readonly string[];
}

/** Returns the facts of a file, which is read again only if it was replaced. */
async function readFacts(file: string, seen: Map<string, SeenFile>): Promise<SeenFile> {
  const { size, ctimeMs, ino } = await stat(file);
  const version = [size, ctimeMs, ino].join();
  const known = seen.get(file);
  if (known?.version === version) return known;
  const content = await readFile(file);
  const tag = `"${createHash("sha256").update(content).digest("base64url")}"`;
  const scripts = extname(file) === ".html" ? hashScripts(content.toString("utf8")) : [];
  const facts = { version, tag, scripts };
  seen.set(file, facts);
  return facts;
}

function toHeaders(file: string, { tag, scripts }: SeenFile): Headers {
  return new Headers({
    "content-type": TYPES[extname(file)] ?? "application/octet-stream",
    "content-security-policy": [...POLICY, ["script-src 'self'", ...scripts].join(" ")].join("; "),
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
    etag: tag,
  });
}

/** Returns the sources of the scripts that a page contains, for its policy. */
function hashScripts(html: string): readonly string[] {
  const scripts = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)];
  return scripts.map(([, text = ""]) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
}

/** Returns whether `If-None-Match` names the tag, also as a weak one (RFC 9110, 13.1.2). */
function isKnown(header: string | null, tag: string): boolean {
  const given = header?.split(",").map((each) => each.trim().replace(/^W\//, "")) ?? [];
  return given.includes(tag) || given.includes("*");
}

/** Returns a page that leads on: to pages whose names share a word with the path, to the list of all pages, and to the search. */
function toNotFound(path: string, files: ReadonlyMap<string, string>): string {
  const words = path.toLowerCase().match(/[a-z]{3,}/g) ?? [];
  const pages = [...files.keys()].filter((each) => /^docs\/[\w-]+\.html$/.test(each)).map((each) => each.slice(0, -5));
  const isAlike = (page: string) => words.some((word) => word !== "docs" && word !== "html" && page.includes(word, 5));
  const links = pages.filter(isAlike).slice(0, MOST_SUGGESTIONS);
  const items = links.map((page) => `<li><a href="/docs/${page}">${page.slice(5)}</a></li>`).join("");
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Not found · Stackyard</title>
<h1>Page not found</h1>
${items === "" ? "" : `<p>Did you mean:</p><ul>${items}</ul>`}
<p><a href="/docs/docs/README">All pages</a>. To search for a word or an error code, open <a href="/docs/">the first page</a> and press Ctrl+K.</p></html>
`;
}

function toNotice(text: string): Response {
  const policy = [...POLICY, "script-src 'none'"].join("; ");
  return new Response(text, {
    status: 404,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "cache-control": "no-store",
    },
  });
}
