import { openStream, Stackyard } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { createReach } from "./reach.ts";
import { refuseWebPages, WebPageError } from "./web-page.ts";

const html = { "content-type": "text/html; charset=utf-8" };
const page = (status: number, headers: Record<string, string> = html) =>
  new Response("<!doctype html><title>Sign in</title>", { status, headers });
const url = "https://yard.example";

/** The answers of a proxy whose session has ended. */
const SIGN_INS = [
  ["its page with 200 (maintenant#45)", () => page(200)],
  ["its page with 401 (oauth2-proxy#2292)", () => page(401)],
  ["its page with 403 (cronicle-edge#269)", () => page(403)],
  ["the way to its page", () => new Response(null, { status: 302, headers: { location: "https://login.example/" } })],
] as const;

describe("the answer of a proxy", () => {
  it.each(SIGN_INS)("is told as what it is, of requests and streams: %s", async (_, answer) => {
    const fetch = refuseWebPages(async () => answer());

    const request = new Stackyard({ url, retries: 0, fetch }).stacks.list();
    await expect(request).rejects.toThrow(/answered with a web page, probably its own sign-in/);
    await expect(request).rejects.toBeInstanceOf(WebPageError);
    const stream = openStream({ url, fetch }, { reconnect: false });
    await expect(stream.next()).rejects.toBeInstanceOf(WebPageError);
  });

  it("does not lead to another origin, where it would look as if the yard could not be reached (Calibre-Web-NextGen#824)", async () => {
    let sent: RequestInit | undefined;
    const send: typeof globalThis.fetch = async (_, init) => {
      sent = init;
      return new Response("{}");
    };

    await refuseWebPages(send)("/v1/me", { redirect: "error" });

    expect(sent?.redirect).toBe("manual");
  });

  it.each([
    ["data", new Response("{}", { headers: { "content-type": "application/json" } })],
    ["a page that is a file", page(200, { ...html, "content-disposition": 'attachment; filename="pr-1.html"' })],
    ["a proxy that does not reach the yard", page(502)],
  ])("is no sign-in: %s", async (_, answer) => {
    await expect(refuseWebPages(async () => answer)("/v1/me")).resolves.toBe(answer);
  });

  it("is known to the page until the yard answers again", async () => {
    const answers = [page(200), page(502), page(200), new Response("{}")];
    const reach = createReach(
      async () => answers.shift() ?? new Response(),
      () => 7,
    );
    const seen = [];
    for (const _ of [...answers]) {
      await reach.fetch("/v1/me").catch(() => {});
      seen.push([reach.meetsWebPage(), reach.failedSince()]);
    }

    expect(seen).toEqual([
      [true, 7],
      [false, 7],
      [true, 7],
      [false, undefined],
    ]);
  });
});
