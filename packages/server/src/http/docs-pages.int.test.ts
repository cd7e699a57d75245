import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard } from "../testing/test-yard.ts";

const root = mkdtempSync(join(tmpdir(), "stackyard-docs-"));
afterAll(() => rmSync(root, { recursive: true }));

const FILES = { paths: ["/"], find: () => undefined };
const PAGE = `<!doctype html><script src="/docs/assets/a.js"></script><script id="x">let a = 1;</script><h1>Home</h1>`;
/** As `openssl dgst -sha256 -binary | base64` prints it of `let a = 1;`. */
const HASH = "'sha256-xY6QKfH9PRsQnLz56nj6MBwiK5oHg+im1Jkpdp1x/Ck='";

let yard: TestYard;
let folder: string;
const open: TestYard[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(root, "site-"));
  mkdirSync(join(folder, "docs"));
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "index.html"), PAGE);
  writeFileSync(join(folder, "docs/tasks.html"), "<h1>Tasks</h1>");
  writeFileSync(join(folder, "assets/a.js"), "export {};");
  writeFileSync(join(root, "secret.html"), "of another folder");
  yard = aYard(folder);
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.stop();
});

function aYard(docs?: string): TestYard {
  const created = createTestYard({ console: FILES, ...(docs === undefined ? {} : { docs }) });
  open.push(created);
  return created;
}

/** Calls as a reader who is not signed in. */
const get = (path: string, headers: Readonly<Record<string, string>> = {}, method = "GET", from = yard) =>
  from.server.app.fetch(new Request(`http://127.0.0.1${path}`, { method, headers }));

describe("/docs", () => {
  it.each([
    ["/docs/", "text/html; charset=utf-8", PAGE],
    ["/docs/docs/tasks", "text/html; charset=utf-8", "<h1>Tasks</h1>"],
    ["/docs/docs/tasks.html", "text/html; charset=utf-8", "<h1>Tasks</h1>"],
    ["/docs/assets/a.js", "text/javascript; charset=utf-8", "export {};"],
  ])("shows %s to everyone", async (path, type, text) => {
    const answer = await get(path);

    expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([200, type, text]);
  });

  it("leads from /docs to its first page", async () => {
    const answer = await get("/docs");

    expect([answer.status, answer.headers.get("location")]).toEqual([308, "/docs/"]);
  });

  it("lets a page run its own scripts, and call nothing", async () => {
    const policy = (await get("/docs/")).headers.get("content-security-policy") ?? "";

    expect(policy.split("; ")).toEqual(expect.arrayContaining(["connect-src 'none'", `script-src 'self' ${HASH}`]));
    expect((await get("/docs/")).headers.get("x-content-type-options")).toBe("nosniff");
  });

  it("sends a page once, and again when it was replaced by one of the same size and time (pillarjs/send#176, npm/npm#21141)", async () => {
    const installed = join(folder, "docs/tasks.html");
    utimesSync(installed, 0, 0);
    const first = (await get("/docs/docs/tasks")).headers.get("etag") ?? "";
    const known = await get("/docs/docs/tasks", { "if-none-match": `W/${first}, "x"` });
    const replacement = join(folder, "tasks.html");
    writeFileSync(replacement, "<h1>TASKS</h1>");
    utimesSync(replacement, 0, 0);
    renameSync(replacement, installed);
    const replaced = await get("/docs/docs/tasks", { "if-none-match": first });

    expect([known.status, await known.text()]).toEqual([304, ""]);
    expect([replaced.status, await replaced.text()]).toEqual([200, "<h1>TASKS</h1>"]);
  });

  it("looks at the hash alone, because npm gives all files one time (Kludex/starlette#3052)", async () => {
    const since = new Date(Date.now() + 86_400_000).toUTCString();

    const answer = await get("/docs/docs/tasks", { "if-none-match": '"old"', "if-modified-since": since });

    expect(answer.status).toBe(200);
  });

  it("answers HEAD with the headers alone", async () => {
    const answer = await get("/docs/", {}, "HEAD");

    expect([answer.status, answer.headers.has("etag"), await answer.text()]).toEqual([200, true, ""]);
  });

  it("leads from a page that does not exist to pages of alike names, and to all pages", async () => {
    const answer = await get("/docs/tasks-and-jobs");

    const text = await answer.text();
    expect(answer.status).toBe(404);
    expect([...text.matchAll(/href="([^"]+)"/g)].map(([, to]) => to)).toEqual([
      "/docs/docs/tasks",
      "/docs/docs/README",
      "/docs/",
    ]);
  });

  it.each([
    "/docs/nope",
    "/docs/..%2fsecret",
    "/docs/%2e%2e/secret.html",
    "/docs/docs%2f..%2f..%2fsecret.html",
    "/docs/link",
  ])("answers %s with 404, and no file of another folder", async (path) => {
    symlinkSync(join(root, "secret.html"), join(folder, "link.html"));

    const answer = await get(path, { accept: "text/html" });

    expect(answer.status).toBe(404);
    expect(await answer.text()).not.toContain("of another folder");
  });

  it("says how to install it where it is not installed", async () => {
    const answer = await get("/docs/docs/tasks", {}, "GET", aYard());

    expect(answer.status).toBe(404);
    expect(await answer.text()).toMatch(/not installed[\s\S]*npm install/);
  });

  it("is announced to the console where it is installed", async () => {
    const [here, elsewhere] = await Promise.all([yard, aYard()].map((each) => each.json<object>("/v1/me")));

    expect([here, elsewhere]).toEqual([
      expect.objectContaining({ docs: true }),
      expect.not.objectContaining({ docs: true }),
    ]);
  });
});
