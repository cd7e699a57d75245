import { afterEach, describe, expect, it } from "vitest";
import type { ConsoleFile } from "./server-options.ts";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const open: TestYard[] = [];
afterEach(async () => {
  for (const yard of open.splice(0)) await yard.stop();
});

const PAGE = '<!doctype html><script nonce="__NONCE__" src="/assets/a-1.js"></script><meta nonce="__NONCE__">';
const CODED = { br: "bytes of brotli", gzip: "bytes of gzip" };

function aFile(text: string, changes: Partial<ConsoleFile> = {}): ConsoleFile {
  return {
    contentType: "text/javascript; charset=utf-8",
    immutable: true,
    encodings: ["br", "gzip"],
    read: (encoding) => Buffer.from(encoding === undefined ? text : CODED[encoding]),
    ...changes,
  };
}

const FILES = new Map([
  ["/index.html", aFile(PAGE, { contentType: "text/html; charset=utf-8", immutable: false, encodings: [] })],
  ["/assets/a-1.js", aFile("export {};")],
]);

function aYard(files: ReadonlyMap<string, ConsoleFile> = FILES, paths = ["/", "/stack"]): TestYard {
  const yard = createTestYard({ console: { paths, find: (path) => files.get(path) } });
  open.push(yard);
  return yard;
}

/** Calls as a browser without a login. */
const get = (yard: TestYard, path: string, headers: Readonly<Record<string, string>> = {}, method = "GET") =>
  yard.server.app.fetch(new Request(`http://127.0.0.1${path}`, { method, headers }));

const POLICY =
  "default-src 'none'; script-src 'self'; style-src STYLES; img-src 'self' data:; connect-src 'self'; worker-src 'self'; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'; trusted-types stackyard-worker default";

describe("the console", () => {
  it.each(["/nope", "/stack/pr-1", "/favicon.ico", "/v2/stacks"])(
    "answers a browser at the unknown path %s with its own page",
    async (path) => {
      const yard = aYard();

      const page = await get(yard, path, { accept: "text/html,*/*;q=0.8" });
      const program = await get(yard, path, { accept: "application/json" });

      expect(page.status).toBe(404);
      expect(await page.text()).toContain("/assets/a-1.js");
      expect(program.status).toBe(404);
      expect(await program.json()).toMatchObject({ code: "NOT_FOUND" });
    },
  );

  it.each(["/v1/nope", "/auth/nope", "/assets/nope.js", "/hooks/nope", "/terraform/nope", "/health/nope"])(
    "leaves the unknown path %s to the API",
    async (path) => {
      const answer = await get(aYard(), path, { accept: "text/html" });

      expect(answer.headers.get("content-type")).not.toContain("text/html");
    },
  );

  it("leads from a slash too many to the page, with the query", async () => {
    const answer = await get(aYard(), "/stack/?id=pr-12&tab=history");

    expect([answer.status, answer.headers.get("location")]).toEqual([308, "/stack?id=pr-12&tab=history"]);
  });

  it("is public, and its pages have a policy with a nonce of their own", async () => {
    const yard = aYard();

    const answers = await Promise.all([get(yard, "/"), get(yard, "/stack?id=pr-12&tab=history")]);

    const nonces = await Promise.all(
      answers.map(async (answer) => {
        const [, nonce = "", second] = /nonce="([\w-]{22})".*nonce="([\w-]{22})"/.exec(await answer.text()) ?? [];
        expect(second).toBe(nonce);
        expect(answer.status).toBe(200);
        expect(Object.fromEntries(answer.headers)).toMatchObject({
          "content-type": "text/html; charset=utf-8",
          "cache-control": "no-store",
          "content-security-policy": POLICY.replace("STYLES", `'self' 'nonce-${nonce}'`),
          "referrer-policy": "no-referrer",
          "cross-origin-opener-policy": "same-origin",
          "x-content-type-options": "nosniff",
        });
        return nonce;
      }),
    );
    expect(new Set(nonces).size).toBe(2);
  });

  it("serves assets in the coding that the browser takes, to be cached permanently, with the policy of the pages", async () => {
    const yard = aYard();
    const codings = ["gzip, deflate, br, zstd", "gzip;q=1.0", "br;q=0, gzip", "identity", "GZIP"];

    const answers = await Promise.all(codings.map((each) => get(yard, "/assets/a-1.js", { "accept-encoding": each })));

    const texts = await Promise.all(answers.map((answer) => answer.text()));
    expect(answers.map(({ headers }) => headers.get("content-encoding"))).toEqual(["br", "gzip", "gzip", null, "gzip"]);
    expect(texts).toEqual([CODED.br, CODED.gzip, CODED.gzip, "export {};", CODED.gzip]);
    expect(Object.fromEntries(answers[0]?.headers ?? [])).toMatchObject({
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": "public, max-age=31536000, immutable",
      "content-security-policy": POLICY.replace("STYLES", "'self'"),
      vary: "accept-encoding",
    });
  });

  it("answers HEAD as GET, without a body", async () => {
    const yard = aYard();

    const [page, asset] = await Promise.all(["/", "/assets/a-1.js"].map((path) => get(yard, path, {}, "HEAD")));

    expect([page?.status, await page?.text(), asset?.status, await asset?.text()]).toEqual([200, "", 200, ""]);
  });

  it.each([
    ["another page", "/stacks"],
    ["a missing asset", "/assets/b.js"],
    ["a path out of the folder", "/assets/..%2findex.html"],
    ["a file that is not a page", "/index.html"],
    ["another method", "/stack", "POST"],
  ])("answers %s with 404 as before", async (_what, path, method = "GET") => {
    const answer = await get(aYard(), path, {}, method);

    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ code: "NOT_FOUND" });
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-request-id": expect.stringMatching(/^\w{26}$/),
    });
  });

  it("says that it is not built", async () => {
    const answer = await get(aYard(new Map()), "/stack");

    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({
      code: "NOT_FOUND",
      detail: expect.stringMatching(/^The console is not built\. .*`npm run build`/),
    });
  });

  it("is off with false", async () => {
    const yard = createTestYard({ console: false });
    open.push(yard);

    expect((await get(yard, "/stack")).status).toBe(404);
    expect((await get(yard, "/assets/a-1.js")).status).toBe(404);
  });
});
