import { type Logger, silentLogger } from "@stackyard/core";
import { createUlids } from "@stackyard/core/engine";
import { createTestBrowser, startTestIssuer, type TestIssuer } from "@stackyard/oidc-issuer";
import { afterEach, describe, expect, it } from "vitest";
import { createServer } from "../create-server.ts";
import { type LoginWorld, startLoginWorld } from "../testing/login-world.ts";

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function startWorld(options?: Parameters<typeof startLoginWorld>[0]): Promise<LoginWorld> {
  const world = await startLoginWorld(options);
  open.push(() => world.stop());
  return world;
}

async function listSessions({ url }: LoginWorld, browser: ReturnType<typeof createTestBrowser>) {
  const answer = await browser.call(`${url}/v1/sessions`);
  return { status: answer.status, ...((await answer.json()) as { items?: { id: string; who: object }[] }) };
}

describe("the login of a person", () => {
  it.each([
    ["a public client", {}],
    ["a client with a secret", { clientSecret: "a secret of the client" }],
  ])("signs in with %s, and the browser holds only an opaque cookie", async (_which, options) => {
    const world = await startWorld(options);
    const browser = createTestBrowser();

    const page = await browser.open(`${world.url}/auth/login?return=/v1/sessions`);

    expect(page).toMatchObject({ url: `${world.url}/v1/sessions`, status: 200 });
    expect(browser.cookie(world.cookie)).toMatch(/^sys_[0-9A-Za-z]{49}$/);
    const who = { kind: "person", id: `${world.issuer.url} 00u1`, name: "ada@example.org" };
    expect(JSON.parse(page.text)).toMatchObject({
      items: [{ kind: "browser", who, groups: ["team-web"], current: true }],
    });
    expect(await world.listAudit()).toMatchObject([
      { action: "login", outcome: "done", who: { ...who, groups: ["team-web"], address: "127.0.0.1" } },
    ]);
    const { items } = await world.yard.store.records.list("access/", { limit: 100, now: world.yard.clock.now() });
    expect(JSON.stringify(items)).not.toContain(browser.cookie(world.cookie));
    // No JWT either: the issuer's tokens begin so.
    expect(JSON.stringify(items)).not.toContain("eyJ");
  });

  it("keeps pages to themselves", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    await browser.open(`${world.url}/auth/login`);

    const { headers, status } = await browser.open(`${world.url}/auth/confirm`);

    expect(status).toBe(200);
    expect(headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self' 'nonce-[\w-]{22}'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
    );
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect(headers.get("cache-control")).toBe("no-store");
  });

  it("answers 403 NO_GRANT when no grant fits, and audits it", async () => {
    const world = await startWorld();
    world.issuer.person = { sub: "00u2", email: "eve@example.org", groups: ["others"] };

    const page = await createTestBrowser().open(`${world.url}/auth/login`);

    expect(page).toMatchObject({ status: 403, text: expect.stringContaining("NO_GRANT") });
    expect(await world.listAudit()).toMatchObject([
      { action: "login", outcome: "denied", code: "NO_GRANT", who: { name: "eve@example.org" } },
    ]);
  });

  it("answers 403 GROUPS_MISSING when the issuer left groups out", async () => {
    const world = await startWorld();
    world.issuer.tamper = (claims) => ({ ...claims, _claim_names: { groups: "src1" } });

    const page = await createTestBrowser().open(`${world.url}/auth/login`);

    expect(page).toMatchObject({ status: 403, text: expect.stringContaining("GROUPS_MISSING") });
  });

  it.each([
    ["another audience", { aud: "another" }],
    ["another issuer", { iss: "https://evil.example" }],
    ["another nonce", { nonce: "another" }],
    ["an issue in the future", { iat: Math.floor(Date.now() / 1_000) + 3_600 }, "CLOCK_SKEW"],
  ])("answers 401 to an ID token with %s", async (_what, changed, code = "LOGIN_FAILED") => {
    const world = await startWorld();
    world.issuer.tamper = (claims) => ({ ...claims, ...changed });

    const page = await createTestBrowser().open(`${world.url}/auth/login`);

    expect(page).toMatchObject({ status: 401, text: expect.stringContaining(code) });
    expect(await world.listAudit()).toMatchObject([{ action: "login", outcome: "denied", code }]);
  });

  it.each([
    ["iat", "pyatls#14"],
    ["nbf", "grant#195, tsidp#73, iam#704"],
  ])("lets in when the issuer's clock is half a minute ahead in %s [%s]", async (claim) => {
    const world = await startWorld();
    world.issuer.tamper = (claims) => ({ ...claims, [claim]: Math.floor(Date.now() / 1_000) + 30 });

    const page = await createTestBrowser().open(`${world.url}/auth/login?return=/v1/me`);

    expect(page).toMatchObject({ url: `${world.url}/v1/me`, status: 200 });
  });

  it("answers 401 LOGIN_FAILED to an ID token whose signature is wrong", async () => {
    const world = await startWorld();
    const stranger = await startTestIssuer({ yardUrl: world.url });
    await stranger.rotate();
    open.push(() => stranger.stop());
    const { sign } = world.issuer;
    const page = await withForgedTokens(world, stranger, sign);

    expect(page).toMatchObject({ status: 401, text: expect.stringContaining("LOGIN_FAILED") });
  });

  it("answers 401 CLOCK_SKEW with both clocks when the server's clock is wrong", async () => {
    const world = await startWorld();
    world.yard.advance(2 * 3_600_000);

    const page = await createTestBrowser().open(`${world.url}/auth/login`);

    expect(page).toMatchObject({ status: 401, text: expect.stringContaining("CLOCK_SKEW") });
    expect(page.text).toMatch(/has exp 20\S+Z, and this server&#39;s clock says 20\S+Z/);
  });

  it("knows new keys of the issuer at once", { tags: "adapter" }, async () => {
    const world = await startWorld();
    await createTestBrowser().open(`${world.url}/auth/login`);
    await world.issuer.rotate();

    const page = await createTestBrowser().open(`${world.url}/auth/login?return=/v1/sessions`);

    expect(page.status).toBe(200);
  });

  it("answers 503 UNREACHABLE while the issuer is down, and sessions still work", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    await browser.open(`${world.url}/auth/login`);
    await world.issuer.stop();

    const callback = await startAndStop(world);
    const session = await listSessions(world, browser);

    expect(callback).toMatchObject({ status: 503, text: expect.stringContaining("UNREACHABLE") });
    expect(session.status).toBe(200);
  });

  it("answers 503 UNREACHABLE when the issuer was never found, and only the log says how the connection failed", async () => {
    const lines: object[] = [];
    const warn: Logger["warn"] = (message, fields) => lines.push({ message, ...fields });
    const world = await startWorld({ logger: { ...silentLogger, warn } });
    await world.issuer.stop();

    const answer = await fetch(`${world.url}/auth/login`, { redirect: "manual" });

    expect(answer.status).toBe(503);
    const problem = await answer.text();
    expect(JSON.parse(problem)).toMatchObject({ code: "UNREACHABLE", retryable: true });
    expect(problem).not.toContain("ECONNREFUSED");
    expect(lines).toMatchObject([
      { message: "A login failed.", code: "UNREACHABLE", cause: expect.stringContaining("ECONNREFUSED") },
    ]);
  });
});

/** Signs in until the issuer would answer, then calls back with a code that cannot be redeemed. */
async function startAndStop({ url }: LoginWorld) {
  const browser = createTestBrowser();
  const start = await browser.call(`${url}/auth/login`);
  const state = new URL(start.headers.get("location") ?? "").searchParams.get("state");
  return browser.open(`${url}/auth/callback?code=x&state=${state}&iss=${encodeURIComponent(issuerOf(start))}`);
}

function issuerOf(start: Response): string {
  return new URL(start.headers.get("location") ?? "").origin;
}

/** The stranger's key under the kid of the issuer's: only the signature gives it away. */
async function withForgedTokens(world: LoginWorld, stranger: TestIssuer, own: TestIssuer["sign"]) {
  const kid = JSON.parse(Buffer.from((await own({})).split(".")[0] ?? "", "base64url").toString()).kid;
  world.issuer.sign = (claims) => stranger.sign({ ...claims, iss: world.issuer.url }, { kid });
  return createTestBrowser().open(`${world.url}/auth/login`);
}

describe("the callback", () => {
  it("is refused in a browser that has not begun the login", async () => {
    const world = await startWorld();
    const start = await createTestBrowser().call(`${world.url}/auth/login`);
    const state = new URL(start.headers.get("location") ?? "").searchParams.get("state");

    const page = await createTestBrowser().open(`${world.url}/auth/callback?code=stolen&state=${state}`);

    expect(page).toMatchObject({ status: 401, text: expect.stringContaining("LOGIN_FAILED") });
  });

  it("takes a login once, also when the cookie comes again", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    const start = await browser.call(`${world.url}/auth/login`);
    const [name = ""] = browser.cookies();
    const secret = browser.cookie(name) ?? "";
    await browser.open(start.headers.get("location") ?? "");
    browser.plant(name, secret);
    const state = new URL(start.headers.get("location") ?? "").searchParams.get("state");

    const answer = await browser.call(`${world.url}/auth/callback?code=again&state=${state}`);

    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining("finished before") });
  });

  it("refuses another state", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    await browser.call(`${world.url}/auth/login`);

    const page = await browser.open(`${world.url}/auth/callback?code=x&state=other`);

    expect(page).toMatchObject({ status: 401, text: expect.stringContaining("LOGIN_FAILED") });
  });

  it("refuses a code of another login, whose PKCE verifier differs", async () => {
    const world = await startWorld();
    const [mine, other] = [createTestBrowser(), createTestBrowser()];
    const mineStart = await mine.call(`${world.url}/auth/login`);
    const otherStart = await other.call(`${world.url}/auth/login`);
    const callback = await findCallback(otherStart.headers.get("location") ?? "");
    const state = new URL(mineStart.headers.get("location") ?? "").searchParams.get("state") ?? "";
    callback.searchParams.set("state", state);

    const page = await mine.open(callback.href);

    expect(page).toMatchObject({ status: 401, text: expect.stringContaining("LOGIN_FAILED") });
  });

  it("is too late after 10 minutes", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    const start = await browser.call(`${world.url}/auth/login`);
    world.yard.advance(10 * 60_000 + 1);

    const page = await browser.open(start.headers.get("location") ?? "");

    expect(page).toMatchObject({ status: 401, text: expect.stringContaining("10 minutes") });
  });
});

/** Signs in at the issuer, and stops before its answer reaches the yard. */
async function findCallback(location: string): Promise<URL> {
  const jar = new Map<string, string>();
  let url = location;
  for (let step = 0; step < 10; step += 1) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(url, { redirect: "manual", headers: { cookie } });
    for (const line of answer.headers.getSetCookie())
      jar.set(line.split("=")[0] ?? "", /=([^;]*)/.exec(line)?.[1] ?? "");
    const next = new URL(answer.headers.get("location") ?? "", url);
    if (next.pathname === "/auth/callback") return next;
    url = next.href;
  }
  throw new Error("The issuer did not answer.");
}

const EVENTS = { "http://schemas.openid.net/event/backchannel-logout": {} };

describe("a logout", () => {
  it("ends the session at once, and names the issuer's page", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    await browser.open(`${world.url}/auth/login`);
    const secret = browser.cookie(world.cookie) ?? "";

    const answer = await browser.call(`${world.url}/auth/logout`, { method: "POST" });

    const body = (await answer.json()) as { endSessionUrl: string };
    const endSession = new URL(body.endSessionUrl);
    expect(endSession.origin).toBe(world.issuer.url);
    expect(endSession.searchParams.get("post_logout_redirect_uri")).toBe(`${world.url}/`);
    const hint = endSession.searchParams.get("id_token_hint") ?? "";
    expect(JSON.parse(Buffer.from(hint.split(".")[1] ?? "", "base64url").toString())).toMatchObject({ sub: "00u1" });
    expect(answer.headers.get("clear-site-data")).toBe('"cache", "storage"');
    expect(browser.cookie(world.cookie)).toBeUndefined();
    browser.plant(world.cookie, secret);
    expect(await listSessions(world, browser)).toMatchObject({ status: 401 });
    expect(await world.listAudit()).toMatchObject([
      { action: "login" },
      { action: "logout", who: { name: "ada@example.org" } },
      { action: "denied" },
    ]);
  });

  it("of the issuer ends all sessions of the person there", async () => {
    const world = await startWorld();
    const [first, second] = [createTestBrowser(), createTestBrowser()];
    await first.open(`${world.url}/auth/login`);
    await second.open(`${world.url}/auth/login`);
    const claims = {
      aud: "stackyard",
      iat: nowSeconds(),
      exp: nowSeconds() + 120,
      jti: "1",
      sub: "00u1",
      events: EVENTS,
    };

    const answer = await logOut(world, await world.issuer.sign(claims, { typ: "logout+jwt" }));

    expect(answer.status).toBe(200);
    expect(await listSessions(world, first)).toMatchObject({ status: 401 });
    expect(await listSessions(world, second)).toMatchObject({ status: 401 });
  });

  it("of one of the issuer's sessions leaves the others", async () => {
    const world = await startWorld();
    const [first, second] = [createTestBrowser(), createTestBrowser()];
    world.issuer.tamper = (claims) => ({ ...claims, sid: "s1" });
    await first.open(`${world.url}/auth/login`);
    world.issuer.tamper = (claims) => ({ ...claims, sid: "s2" });
    await second.open(`${world.url}/auth/login`);
    const claims = {
      aud: "stackyard",
      iat: nowSeconds(),
      exp: nowSeconds() + 120,
      jti: "1",
      sid: "s1",
      events: EVENTS,
    };

    await logOut(world, await world.issuer.sign(claims));

    expect(await listSessions(world, first)).toMatchObject({ status: 401 });
    expect(await listSessions(world, second)).toMatchObject({ status: 200 });
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ["without the event", {}],
    ["with a nonce, such as an ID token", { events: EVENTS, nonce: "n" }],
    ["for another client", { events: EVENTS, aud: "other" }],
    ["without an end", { events: EVENTS, exp: undefined }],
    ["that names no session and no person", { events: EVENTS, sub: undefined }],
  ])("is refused %s", async (_what, changed) => {
    const world = await startWorld();
    const claims = { aud: "stackyard", iat: nowSeconds(), exp: nowSeconds() + 120, sub: "00u1", ...changed };

    const answer = await logOut(world, await world.issuer.sign(claims));

    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ code: "LOGIN_FAILED" });
  });
});

function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}

function logOut({ url }: LoginWorld, token: string): Promise<Response> {
  return fetch(`${url}/auth/backchannel-logout`, {
    method: "POST",
    body: new URLSearchParams({ logout_token: token }),
  });
}

describe("a session", () => {
  it("ends after 8 hours without use", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    await browser.open(`${world.url}/auth/login`);
    world.yard.advance(8 * 3_600_000 - 1_000);
    const used = await listSessions(world, browser);
    world.yard.advance(8 * 3_600_000 + 1_000);

    expect(used.status).toBe(200);
    expect(await listSessions(world, browser)).toMatchObject({ status: 401 });
  });

  it("ends after 16 hours in all", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    await browser.open(`${world.url}/auth/login`);
    const statuses: number[] = [];
    for (let hours = 0; hours < 18; hours += 6) {
      world.yard.advance(6 * 3_600_000);
      statuses.push((await listSessions(world, browser)).status);
    }

    expect(statuses).toEqual([200, 200, 401]);
  });

  it("is ended by its owner, not by others", async () => {
    const world = await startWorld();
    const [ada, ben] = [createTestBrowser(), createTestBrowser()];
    await ada.open(`${world.url}/auth/login`);
    world.issuer.person = { sub: "00u2", email: "ben@example.org", groups: ["team-web"] };
    await ben.open(`${world.url}/auth/login`);
    const [session] = (await listSessions(world, ada)).items ?? [];
    const revoke = (browser: typeof ada) =>
      browser.call(`${world.url}/v1/sessions/${session?.id}/revoke`, { method: "POST" });

    const ofBen = await revoke(ben);
    const ofAda = await revoke(ada);

    expect((await listSessions(world, ben)).items).toHaveLength(1);
    expect(ofBen.status).toBe(404);
    expect(ofAda.status).toBe(200);
    expect(await listSessions(world, ada)).toMatchObject({ status: 401 });
  });
});

describe("a session that is ended on one server", () => {
  it("is refused on another within 5 s", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    await browser.open(`${world.url}/auth/login`);
    const access = {
      people: { issuer: world.issuer.url, clientId: "stackyard" },
      grants: [{ to: { signedIn: true as const }, role: "viewer" as const }],
    };
    const deps = { ...world.yard, executors: new Map(), ids: createUlids(), logger: silentLogger, version: "0" };
    const other = createServer(deps, { url: world.url, access });
    const headers = {
      host: new URL(world.url).host,
      cookie: `${world.cookie}=${browser.cookie(world.cookie)}`,
      "sec-fetch-site": "same-origin",
    };
    const callOther = async () => (await other.app.fetch(new Request(`${world.url}/v1/sessions`, { headers }))).status;
    const before = await callOther();
    await browser.call(`${world.url}/auth/logout`, { method: "POST" });
    world.yard.advance(5_001);

    expect([before, await callOther()]).toEqual([200, 401]);
    await other.stop();
  });
});

describe("the page at /", () => {
  it("says who is signed in, to browsers only", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    const before = await browser.open(world.url);
    const after = await browser.open(`${world.url}/auth/login`);
    const left = await browser.submit(`${world.url}/auth/logout`, {});

    expect(before.text).toContain("You are not signed in.");
    expect(after).toMatchObject({
      url: `${world.url}/`,
      status: 200,
      text: expect.stringContaining("ada@example.org"),
    });
    expect(new URL(left.url).origin).toBe(world.issuer.url);
    expect((await fetch(world.url)).status).toBe(404);
  });
});

describe("a cookie", () => {
  it.each([
    ["a page of another port", { "sec-fetch-site": "same-site", origin: "http://127.0.0.1:9" }, 403],
    ["a page of another site", { "sec-fetch-site": "cross-site" }, 403],
    ["a request without both headers", {}, 403],
    ["a name that resolves to the server", { "sec-fetch-site": "same-origin", host: "rebound.example" }, 421],
    ["a request that has a credential too", { "sec-fetch-site": "same-origin", authorization: "Bearer x" }, 400],
    ["our page", { "sec-fetch-site": "same-origin" }, 200],
  ])("sent by %s is answered as it should be", async (_what, headers, status) => {
    const world = await startWorld();
    const browser = createTestBrowser();
    await browser.open(`${world.url}/auth/login`);
    const cookie = `${world.cookie}=${browser.cookie(world.cookie)}`;

    const answer = await world.yard.server.app.fetch(
      new Request(`${world.url}/v1/sessions`, { headers: { host: new URL(world.url).host, cookie, ...headers } }),
    );

    expect(answer.status).toBe(status);
  });

  it("is not accepted as a bearer token, nor a bearer token as a cookie", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    await browser.open(`${world.url}/auth/login`);
    const headers = { authorization: `Bearer ${browser.cookie(world.cookie)}` };

    expect((await fetch(`${world.url}/v1/sessions`, { headers })).status).toBe(401);
  });

  it("lets JSON in only", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    await browser.open(`${world.url}/auth/login`);

    const answer = await browser.call(`${world.url}/v1/events`, {
      method: "POST",
      body: new URLSearchParams({ a: "1" }),
    });

    expect(answer.status).toBe(415);
  });
});
