import { createHash } from "node:crypto";
import { createReadStream, readdirSync, readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
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
const NOT_FOUND = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Not found · Stackyard</title>
<h1>The documentation has no such page</h1>
<p><a href="/docs/">All pages</a></p></html>
`;

/** Answers a request below `/docs`. */
export type AnswerDocs = (request: Request) => Promise<Response>;

/** Serves the files of the built documentation that `folder` contains now; without a folder, a page that says how to install them. */
export function createDocs(folder: string | undefined): AnswerDocs {
  const files = folder === undefined ? new Map<string, string>() : listFiles(folder);
  const tags = new Map<string, string>();
  return async (request) => {
    const path = decodeURIComponent(new URL(request.url).pathname.slice("/docs/".length));
    const file = [path, `${path}.html`, `${path}index.html`].map((each) => files.get(each)).find((each) => each);
    if (file === undefined) return toNotice(files.size === 0 ? NOT_INSTALLED : NOT_FOUND);
    const tag = await toTag(file, tags);
    const headers = toHeaders(file, tag);
    if (isKnown(request.headers.get("if-none-match"), tag)) return new Response(null, { status: 304, headers });
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

/** Returns the hash of a file, which is read in pieces, and again only if the file was replaced. npm gives all files the same time. */
async function toTag(file: string, tags: Map<string, string>): Promise<string> {
  const { size, ctimeMs, ino } = await stat(file);
  const key = [file, size, ctimeMs, ino].join("\0");
  const known = tags.get(key);
  if (known !== undefined) return known;
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  const tag = `"${hash.digest("base64url")}"`;
  for (const old of tags.keys()) if (old.startsWith(`${file}\0`)) tags.delete(old);
  tags.set(key, tag);
  return tag;
}

function toHeaders(file: string, tag: string): Headers {
  const type = extname(file);
  const scripts = type === ".html" ? hashScripts(readFileSync(file, "utf8")) : [];
  return new Headers({
    "content-type": TYPES[type] ?? "application/octet-stream",
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
