import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, type BrowserContext, launchBrowser, type Page } from "@stackyard/browser";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type LoginWorld, startLoginWorld } from "../testing/login-world.ts";
import { createTestYard, type TestYard, TOKEN } from "../testing/test-yard.ts";
import { startTlsFront } from "../testing/tls-front.ts";

let browser: Browser;
const open: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  browser = await launchBrowser(["--host-resolver-rules=MAP *.test 127.0.0.1"]);
});
afterAll(() => browser.close());
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function openPage(): Promise<{ readonly context: BrowserContext; readonly page: Page }> {
  // No authority has signed the certificate of the tests.
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  open.push(() => context.close());
  return { context, page: await context.newPage() };
}

async function startWorld(options?: Parameters<typeof startLoginWorld>[0]): Promise<LoginWorld> {
  const world = await startLoginWorld(options);
  open.push(() => world.stop());
  return world;
}

/** A yard behind TLS, reached by a name of its own. */
async function startPublicWorld(): Promise<LoginWorld> {
  const front = await startTlsFront();
  const world = await startWorld({ url: `https://yard.test:${front.port}` });
  front.target = world.port;
  open.push(() => front.stop());
  return world;
}

/** A yard as `stackyard dev` serves it. */
async function startLocalWorld(): Promise<{ readonly yard: TestYard; readonly url: string; readonly cookie: string }> {
  const yard = createTestYard({ port: 0, local: { name: "ada" } });
  open.push(() => yard.stop());
  const { url } = await yard.server.start();
  return { yard, url, cookie: `stackyard-${new URL(url).port}` };
}

/** Returns the address that `stackyard dev` prints. */
async function findLocalLogin(url: string): Promise<string> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const answer = await fetch(`${url}/auth/local`, { method: "POST", headers });
  const { url: printed } = (await answer.json()) as { readonly url: string };
  return printed;
}

async function signInLocally(page: Page, url: string): Promise<void> {
  await page.goto(await findLocalLogin(url));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${url}/`);
}

/** Looks from a page of its own: the given one may still be on its way, and both would interrupt each other. */
async function isSignedIn(page: Page, url: string): Promise<boolean> {
  const own = await page.context().newPage();
  const answer = await own.goto(`${url}/v1/sessions`);
  await own.close();
  return answer?.status() === 200;
}

/**
 * Records the calls of an address with the cookies that the browser sends. Answers that a page must not read are shown on
 * this level only, in events that Chromium does not order: headers and status can come before the address of their request.
 */
async function watchCalls(page: Page, url: string) {
  const requests: string[] = [];
  const cookies = new Map<string, string | undefined>();
  const statuses = new Map<string, number>();
  const network = await page.context().newCDPSession(page);
  network.on("Network.requestWillBeSent", ({ requestId, request }) => {
    if (request.url === url) requests.push(requestId);
  });
  network.on("Network.requestWillBeSentExtraInfo", ({ requestId, headers }) => {
    cookies.set(requestId, headers["Cookie"]);
  });
  network.on("Network.responseReceivedExtraInfo", ({ requestId, statusCode }) => {
    statuses.set(requestId, statusCode);
  });
  await network.send("Network.enable");
  return () => requests.map((request) => ({ cookie: cookies.get(request), status: statuses.get(request) }));
}

/** Another site on another port, and the paths for which it was called. */
async function startOtherSite(): Promise<{ readonly url: string; readonly paths: readonly string[] }> {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? "");
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>Elsewhere</title><h1>Elsewhere</h1>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(() => new Promise((resolve) => server.closeAllConnections() ?? server.close(resolve)));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, paths };
}

describe("cookies in Chromium", () => {
  it("belong to the host, need TLS, and come along after the issuer's redirect", async () => {
    const world = await startPublicWorld();
    const { context, page } = await openPage();
    const answerAt = (path: string) => page.waitForResponse((response) => response.url().startsWith(world.url + path));
    const [login, callback] = [answerAt("/auth/login"), answerAt("/auth/callback")];

    await page.goto(`${world.url}/auth/login?return=/auth/confirm`);
    await page.getByText("You are signed in as ada@example.org. Type the code").waitFor();

    expect(await (await login).headerValue("set-cookie")).toMatch(
      /^__Host-stackyard-login-[\w-]{12}=[^;]+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/,
    );
    expect((await callback).status()).toBe(200);
    const flags = { domain: "yard.test", path: "/", secure: true, httpOnly: true, sameSite: "Strict" };
    expect(await context.cookies(world.url)).toMatchObject([{ name: "__Host-stackyard", ...flags }]);
    expect(await page.evaluate("document.cookie")).toBe("");
  });

  it("carry the port in their name on the loopback, where there is no TLS", async () => {
    const world = await startWorld();
    const { context, page } = await openPage();

    await page.goto(`${world.url}/auth/login?return=/auth/confirm`);
    await page.getByText("You are signed in as ada@example.org. Type the code").waitFor();

    const cookies = await context.cookies(world.url);
    const flags = { domain: "127.0.0.1", path: "/", secure: false, httpOnly: true, sameSite: "Strict" };
    expect(cookies.filter(({ name }) => name.startsWith("stackyard"))).toMatchObject([
      { name: world.cookie, ...flags },
    ]);
    expect(await page.evaluate("document.cookie")).not.toContain("stackyard");
  });
});

describe("pages in Chromium", () => {
  it("sign in with the code of `stackyard dev`, which the button alone uses up", async () => {
    const { url, cookie } = await startLocalWorld();
    const { context, page } = await openPage();
    const printed = await findLocalLogin(url);

    await page.goto(printed);
    await page.reload();
    const before = await context.cookies(url);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(`${url}/`);
    const after = await context.cookies(url);
    await page.goto(printed);
    await page.getByRole("button", { name: "Sign in" }).click();

    expect(before).toEqual([]);
    expect(after).toMatchObject([{ name: cookie, httpOnly: true, sameSite: "Strict" }]);
    await page.getByText("The code is wrong, was used, or is older than 10 minutes.").waitFor();
  });

  it("confirm the login of a terminal only with the typed code, after its name and address were shown", async () => {
    const world = await startWorld();
    const { page } = await openPage();
    const post = async (path: string, fields: Readonly<Record<string, string>>) => {
      const answer = await fetch(`${world.url}${path}`, { method: "POST", body: new URLSearchParams(fields) });
      return (await answer.json()) as Readonly<Record<string, string>>;
    };
    const begun = await post("/auth/device", { client_id: "stackyard-cli", client_name: "ada's <b>laptop</b>" });
    const code = begun["user_code"] ?? "";

    await page.goto(`${world.url}/auth/login?return=/auth/confirm`);
    await page.waitForURL(`${world.url}/auth/confirm`);
    await page.goto(`${world.url}/auth/confirm?code=${code}&user_code=${code}`);
    const prefilled = await page.getByLabel("Code").inputValue();
    await page.getByLabel("Code").fill(code);
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByText("A command line asks to sign in as ada@example.org").waitFor();
    const shown = await page.textContent("body");
    await page.getByRole("button", { name: "Allow" }).click();
    await page.getByText("Your terminal is signed in.").waitFor();

    expect(prefilled).toBe("");
    expect(shown).toMatch(/laptop.*, from the address 127\.0\.0\.1/);
    const grant_type = "urn:ietf:params:oauth:grant-type:device_code";
    expect(await post("/auth/token", { grant_type, device_code: begun["device_code"] ?? "" })).toMatchObject({
      access_token: expect.stringMatching(/^sys_/),
    });
  });

  it("leave nothing behind after the logout", async () => {
    const { url } = await startLocalWorld();
    const { context, page } = await openPage();
    await signInLocally(page, url);
    await page.evaluate("localStorage.setItem('draft', 'states: {}')");

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("You are signed out.").waitFor();

    expect(await page.evaluate("localStorage.getItem('draft')")).toBeNull();
    expect(await context.cookies(url)).toEqual([]);
    expect(await isSignedIn(page, url)).toBe(false);
  });

  it("lead to the issuer's logout", async () => {
    const world = await startWorld();
    const { page } = await openPage();
    await page.goto(`${world.url}/auth/login`);
    await page.waitForURL(`${world.url}/`);

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL((url) => url.origin === world.issuer.url);

    expect(new URL(page.url()).searchParams.get("post_logout_redirect_uri")).toBe(`${world.url}/`);
    expect(await isSignedIn(page, world.url)).toBe(false);
  });
});

const EVENT = JSON.stringify({ events: [{ stackId: "forged", machine: "review-app", name: "LAUNCH" }] });

describe("a page on another port", () => {
  // Ports belong to one site: Strict cookies come along, so that only the guard of the server rejects them.
  const attacks: readonly (readonly [string, string, (url: string) => string])[] = [
    ["sends a form", "/auth/logout", (url) => toForm(`${url}/auth/logout`, "application/x-www-form-urlencoded")],
    ["sends a form that reads as JSON", "/v1/events", (url) => toForm(`${url}/v1/events`, "text/plain")],
    ["calls with credentials", "/v1/events", (url) => toCall(`${url}/v1/events`, "no-cors")],
    ["calls with credentials and reads", "/v1/sessions", (url) => toCall(`${url}/v1/sessions`, "cors", "GET")],
    ["navigates to the API", "/v1/sessions", (url) => `location.href = "${url}/v1/sessions"`],
    ["loads the API as a picture", "/v1/sessions", (url) => `new Image().src = "${url}/v1/sessions"`],
  ];

  it.each(attacks)("is refused when it %s", async (_how, path, toScript) => {
    const { yard, url, cookie } = await startLocalWorld();
    const { page } = await openPage();
    await signInLocally(page, url);
    const other = await startOtherSite();
    await page.goto(other.url);

    const calls = await watchCalls(page, `${url}${path}`);
    await page.evaluate(toScript(url));

    // The attack is only one when the browser sends the cookie.
    await expect.poll(calls).toEqual([{ status: 403, cookie: expect.stringContaining(cookie) }]);
    expect(await yard.json("/v1/stacks")).toMatchObject({ items: [] });
    expect(await isSignedIn(page, url)).toBe(true);
  });

  it("is not allowed to send JSON at all", async () => {
    const { yard, url } = await startLocalWorld();
    const { page } = await openPage();
    await signInLocally(page, url);
    await page.goto((await startOtherSite()).url);

    const script = `fetch("${url}/v1/events", { method: "POST", credentials: "include",
      headers: { "content-type": "application/json" }, body: ${JSON.stringify(EVENT)} }).then(() => "sent", () => "refused")`;

    expect(await page.evaluate(script)).toBe("refused");
    expect(await yard.json("/v1/stacks")).toMatchObject({ items: [] });
  });
});

function toForm(action: string, enctype: string): string {
  const name = JSON.stringify(EVENT.replace("}]}", '}],"x":"'));
  return `document.body.innerHTML = '<form method="post"><input type="hidden" value=\\'"}\\'></form>';
    const form = document.forms[0]; form.action = "${action}"; form.enctype = "${enctype}";
    form.elements[0].name = ${name}; form.submit()`;
}

function toCall(url: string, mode: string, method = "POST"): string {
  const body = method === "POST" ? `, body: ${JSON.stringify(EVENT)}` : "";
  return `void fetch("${url}", { method: "${method}", mode: "${mode}", credentials: "include"${body} }).catch(() => {})`;
}

describe("a foreign name that leads to the server", () => {
  it("is refused on every page and call", async () => {
    const { url } = await startLocalWorld();
    const { page } = await openPage();
    const rebound = `http://rebound.test:${new URL(url).port}`;

    for (const path of ["/", "/auth/local?code=x", "/v1/sessions", "/v1/stacks"]) {
      expect((await page.goto(rebound + path))?.status(), path).toBe(421);
    }
  });

  it("cannot use the cookies or forms of the server where any name is allowed", async () => {
    const world = await startWorld({ allowedHosts: ["127.0.0.1", "rebound.test"] });
    const { page } = await openPage();
    const rebound = `http://rebound.test:${world.port}`;
    await page.goto(`${rebound}/auth/local`);

    const script = `fetch("/auth/logout", { method: "POST" }).then((answer) => answer.status)`;

    expect(await page.evaluate(script)).toBe(421);
    expect((await page.goto(`${rebound}/v1/sessions`))?.status()).toBe(401);
  });
});

describe("the policy of the pages", () => {
  const pages: readonly (readonly [string, string])[] = [
    ["the sign-in by code", "/auth/local?code=ABCD-EFGH"],
    ["the confirmation of a terminal", "/auth/confirm"],
    ["the start", "/"],
    ["an error", "/auth/callback?code=x"],
  ];

  it.each(pages)("lets %s look as designed and load nothing else", async (_which, path) => {
    const { url } = await startLocalWorld();
    const { page } = await openPage();
    const messages: string[] = [];
    page.on("console", (message) => void messages.push(message.text()));
    await signInLocally(page, url);
    const other = await startOtherSite();

    await page.goto(url + path);
    const radius = await page.evaluate("getComputedStyle(document.querySelector('.card')).borderTopLeftRadius");
    const reports = messages.filter((message) => message.includes("Content Security Policy"));
    const violated = await page.evaluate(toAttack(other.url));

    expect(radius).toBe("10px");
    expect(reports).toEqual([]);
    expect(violated).toEqual([
      "connect-src",
      "form-action",
      "frame-src",
      "img-src",
      "script-src-elem",
      "style-src-attr",
    ]);
    expect(await page.evaluate("window.ran")).toBeUndefined();
    expect(other.paths).toEqual([]);
  });

  it.each(pages)("keeps %s out of frames", async (_which, path) => {
    const { url } = await startLocalWorld();
    const { page } = await openPage();
    await signInLocally(page, url);
    await page.goto((await startOtherSite()).url);

    const refused = page.waitForEvent("console", (message) => message.text().includes("frame-ancestors"));
    await page.evaluate(`document.body.innerHTML = '<iframe src="${url}${path}"></iframe>'`);

    expect((await refused).type()).toBe("error");
  });
});

/** Does what a page with injected markup would do. Resolves with the directives that stopped it, sorted. */
function toAttack(elsewhere: string): string {
  return `new Promise((resolve) => {
    const violated = new Set();
    document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => {
      violated.add(effectiveDirective);
      if (violated.size === 6) resolve([...violated].sort());
    });
    const box = document.createElement("div");
    box.innerHTML = '<img src="${elsewhere}a.png"><p style="color:red">x</p><iframe src="${elsewhere}frame"></iframe>' +
      '<form method="post" action="${elsewhere}form"></form>';
    document.body.append(box);
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    void fetch("${elsewhere}call").catch(() => {});
    box.querySelector("form").submit();
  })`;
}
