import { createTestBrowser } from "@stackyard/oidc-issuer";
import { afterEach, describe, expect, it } from "vitest";
import { type LoginWorld, startLoginWorld } from "../testing/login-world.ts";

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function startWorld(): Promise<LoginWorld> {
  const world = await startLoginWorld();
  open.push(() => world.stop());
  return world;
}

type Browser = ReturnType<typeof createTestBrowser>;

/** Begins a login in a tab, and returns the issuer's address. */
async function begin({ url }: LoginWorld, browser: Browser, returnTo: string): Promise<string> {
  const start = await browser.call(`${url}/auth/login?return=${encodeURIComponent(returnTo)}`);
  return start.headers.get("location") ?? "";
}

/** Answers as the issuer would when the person waits there. */
async function findCallback(browser: Browser, location: string): Promise<string> {
  let url = location;
  for (let step = 0; step < 10 && !url.includes("/auth/callback?"); step += 1) {
    const answer = await browser.call(url);
    url = new URL(answer.headers.get("location") ?? "", url).href;
  }
  return url;
}

function loginCookies(browser: Browser): readonly string[] {
  return browser.cookies().filter((name) => name.startsWith("stackyard-login-"));
}

describe("a login in several tabs", () => {
  it.each([
    ["the first", [0, 1]],
    ["the second", [1, 0]],
  ])("signs in both when %s is finished first [oauth2-proxy#611, #817, #3258]", async (_which, order) => {
    const world = await startWorld();
    const browser = createTestBrowser();
    const tabs = ["/v1/sessions", "/v1/me"];
    const starts: string[] = [];
    for (const tab of tabs) starts.push(await begin(world, browser, tab));

    const pages = [];
    for (const index of order) pages.push(await browser.open(starts[index] ?? ""));

    expect(pages).toMatchObject(order.map((index) => ({ url: `${world.url}${tabs[index]}`, status: 200 })));
    expect(loginCookies(browser)).toEqual([]);
  });

  it.each([
    ["the oldest first", [0, 1, 2], "express-openid-connect#43, nextjs-auth0#142"],
    ["the one between first", [1, 2, 0], "oidc-client#1356, oidc-client#1473"],
  ])("begun in three tabs at once ends in each at its own page, %s %j [%s]", async (_which, order) => {
    const world = await startWorld();
    const browser = createTestBrowser();
    const tabs = ["/v1/sessions", "/v1/me", "/v1/stacks"];
    const starts = await Promise.all(tabs.map((tab) => begin(world, browser, tab)));

    const pages = [];
    for (const index of order) pages.push(await browser.open(starts[index] ?? ""));

    expect(pages.map(({ url, status }) => [url, status])).toEqual(
      order.map((index) => [`${world.url}${tabs[index]}`, 200]),
    );
  });

  it("is not disturbed by calls without a session from another tab [lua-resty-openidc#325]", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    const start = await begin(world, browser, "/v1/me");

    const other = await browser.call(`${world.url}/v1/stacks`);
    const page = await browser.open(start);

    expect(other.status).toBe(401);
    expect(page).toMatchObject({ url: `${world.url}/v1/me`, status: 200 });
  });

  it("continues when the person presses reload on the callback with a session [oauth2-proxy#1888]", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    const callback = await findCallback(browser, await begin(world, browser, "/v1/sessions"));
    await browser.open(callback);

    const page = await browser.open(callback);

    expect(page).toMatchObject({ status: 200, text: expect.stringContaining("You are signed in as ada@example.org") });
    expect(await world.listAudit()).toMatchObject([{ action: "login", outcome: "done" }]);
  });

  it.each(["/auth/callback?code=x&state=x", "/auth/callback?error=access_denied&state=x", "/auth/callback?code=x"])(
    "is not used up by a link from elsewhere, %s",
    async (link) => {
      const world = await startWorld();
      const browser = createTestBrowser();
      const start = await begin(world, browser, "/v1/sessions");
      const foreign = await browser.open(`${world.url}${link}`);

      const page = await browser.open(start);

      expect(foreign).toMatchObject({ status: 401, text: expect.stringContaining("LOGIN_FAILED") });
      expect(page).toMatchObject({ url: `${world.url}/v1/sessions`, status: 200 });
    },
  );

  it("keeps at most five logins in the browser, so that cookies do not fill the header [oauth2-proxy#2383, #2163]", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    const starts: string[] = [];
    for (let tab = 0; tab < 8; tab += 1) starts.push(await begin(world, browser, "/v1/sessions"));

    expect(loginCookies(browser)).toHaveLength(5);
    expect(await browser.open(starts[7] ?? "")).toMatchObject({ status: 200 });
    expect(await browser.open(starts[3] ?? "")).toMatchObject({ status: 200 });
  });
});
