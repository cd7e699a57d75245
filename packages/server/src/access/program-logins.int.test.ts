import { createTestBrowser, startTestIssuer } from "@stackyard/oidc-issuer";
import fc from "fast-check";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, describe, expect, it } from "vitest";
import { claimAttempt } from "../testing/claim-attempt.ts";
import { type LoginWorld, startLoginWorld } from "../testing/login-world.ts";
import { createTestYard, type TestYardOptions, TOKEN } from "../testing/test-yard.ts";

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function startWorld(options?: Parameters<typeof startLoginWorld>[0]): Promise<LoginWorld> {
  const world = await startLoginWorld(options);
  open.push(() => world.stop());
  return world;
}

type Fields = Readonly<Record<string, string>>;

async function post(url: string, fields: Fields): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(url, { method: "POST", body: new URLSearchParams(fields) });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

async function listOwn({ url }: LoginWorld, token: unknown) {
  const answer = await fetch(`${url}/v1/sessions`, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, ...((await answer.json()) as object) };
}

const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";

async function begin({ url }: LoginWorld, name = "ada's laptop") {
  const { body } = await post(`${url}/auth/device`, { client_id: "stackyard-cli", client_name: name });
  return { deviceCode: String(body["device_code"]), userCode: String(body["user_code"]), body };
}

const poll = ({ url }: LoginWorld, deviceCode: string) =>
  post(`${url}/auth/token`, { grant_type: DEVICE, device_code: deviceCode });

describe("the login of a command line", () => {
  it("gives a session when the person has typed the code and allowed it", { tags: "adapter" }, async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    const { deviceCode, userCode, body } = await begin(world);
    const before = await poll(world, deviceCode);

    await browser.open(`${world.url}/auth/confirm`);
    const asked = await browser.submit(`${world.url}/auth/confirm`, { code: userCode.toLowerCase().replace("-", "") });
    const allowed = await browser.submit(`${world.url}/auth/confirm`, { code: userCode, answer: "allow" });
    const after = await poll(world, deviceCode);
    const again = await poll(world, deviceCode);

    expect(body).toMatchObject({ verification_uri: `${world.url}/auth/confirm`, expires_in: 600, interval: 5 });
    expect(body).not.toHaveProperty("verification_uri_complete");
    expect(userCode).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    expect(before).toMatchObject({ status: 400, body: { error: "authorization_pending" } });
    expect(asked.text).toContain("adas laptop");
    expect(asked.text).toContain("127.0.0.1");
    expect(allowed).toMatchObject({ status: 200, text: expect.stringContaining("signed in") });
    expect(after).toMatchObject({
      status: 200,
      body: { token_type: "Bearer", expires_in: expect.closeTo(57_600, -1), name: "ada@example.org" },
    });
    expect(after.body["access_token"]).toMatch(/^sys_[0-9A-Za-z]{49}$/);
    expect(again).toMatchObject({ status: 400, body: { error: "expired_token" } });
    expect(await listOwn(world, after.body["access_token"])).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ kind: "cli", client: "adas laptop", current: true })]),
    });
  });

  it("never fills the code in, whatever the link says", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    const { userCode } = await begin(world);

    const page = await browser.open(`${world.url}/auth/confirm?code=${userCode}&user_code=${userCode}`);
    const after = await browser.open(`${world.url}/auth/confirm?code=${userCode}`);

    expect(page.text + after.text).not.toContain(userCode);
  });

  it("ends when the person denies it", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    const { deviceCode, userCode } = await begin(world);
    await browser.open(`${world.url}/auth/confirm`);

    await browser.submit(`${world.url}/auth/confirm`, { code: userCode, answer: "deny" });

    expect(await poll(world, deviceCode)).toMatchObject({ status: 400, body: { error: "access_denied" } });
  });

  it("asks a command line that polls too often to slow down", async () => {
    const world = await startWorld();
    const { deviceCode } = await begin(world);
    await poll(world, deviceCode);
    const tooFast = await poll(world, deviceCode);
    world.yard.advance(5_000);
    const still = await poll(world, deviceCode);
    world.yard.advance(15_000);
    const slow = await poll(world, deviceCode);

    expect(tooFast.body).toMatchObject({ error: "slow_down" });
    expect(still.body).toMatchObject({ error: "slow_down" });
    expect(slow.body).toMatchObject({ error: "authorization_pending" });
  });

  it("ends after 10 minutes", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    await browser.open(`${world.url}/auth/confirm`);
    const { deviceCode, userCode } = await begin(world);
    world.yard.advance(600_001);

    const page = await browser.submit(`${world.url}/auth/confirm`, { code: userCode });

    expect(page).toMatchObject({ status: 400, text: expect.stringContaining("unknown") });
    expect(await poll(world, deviceCode)).toMatchObject({ status: 400, body: { error: "expired_token" } });
  });

  it("is not confirmed by a form of another site", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    await browser.open(`${world.url}/auth/confirm`);
    const { deviceCode, userCode } = await begin(world);

    const answer = await fetch(`${world.url}/auth/confirm`, {
      method: "POST",
      body: new URLSearchParams({ code: userCode, answer: "allow" }),
      headers: { cookie: `${world.cookie}=${browser.cookie(world.cookie)}`, "sec-fetch-site": "same-site" },
    });

    expect(answer.status).toBe(403);
    expect(await poll(world, deviceCode)).toMatchObject({ body: { error: "authorization_pending" } });
  });

  it("is logged out by its own token", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    const { deviceCode, userCode } = await begin(world);
    await browser.open(`${world.url}/auth/confirm`);
    await browser.submit(`${world.url}/auth/confirm`, { code: userCode, answer: "allow" });
    const token = (await poll(world, deviceCode)).body["access_token"];

    const answer = await fetch(`${world.url}/auth/logout`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
    });

    expect(answer.status).toBe(200);
    expect(await listOwn(world, token)).toMatchObject({ status: 401, code: "UNAUTHENTICATED" });
  });
});

const CLAIMS = { repository_id: "424242", ref: "refs/heads/main", repository: "acme/web", sub: "repo:acme/web" };

const ACCESS = {
  workloads: [{ name: "github", issuer: "" }],
  grants: [
    {
      to: { workload: "github", claims: { repository_id: "424242", ref: ["refs/heads/main", "refs/tags/*"] } },
      role: "operator" as const,
      groups: ["ci"],
    },
  ],
};

const seconds = (ms: number) => Math.floor(ms / 1_000);

function signFor(world: LoginWorld, changed: Readonly<Record<string, unknown>> = {}, issuer = world.issuer) {
  const now = seconds(Date.now());
  return issuer.sign({ ...CLAIMS, aud: world.url, iat: now, exp: now + 300, ...changed });
}

const exchange = ({ url }: LoginWorld, token: string, type = "urn:ietf:params:oauth:token-type:jwt") =>
  post(`${url}/auth/token`, {
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    subject_token: token,
    subject_token_type: type,
  });

describe("the exchange of a workload's token", () => {
  it("gives a session of one hour with the grant's rights and groups", { tags: "adapter" }, async () => {
    const world = await startWorld({ access: ACCESS });

    const { status, body } = await exchange(world, await signFor(world, { ref: "refs/tags/v1" }));

    expect(status).toBe(200);
    expect(body).toMatchObject({
      access_token: expect.stringMatching(/^syw_[0-9A-Za-z]{49}$/),
      issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
      token_type: "Bearer",
      expires_in: 3_600,
    });
    expect(await listOwn(world, body["access_token"])).toMatchObject({
      status: 200,
      items: [{ kind: "workload", who: { kind: "workload", name: "github acme/web" } }],
    });
    world.yard.advance(3_600_001);
    expect(await listOwn(world, body["access_token"])).toMatchObject({ status: 401 });
  });

  it("answers 403 NO_GRANT to another repository, with one denied line", async () => {
    const world = await startWorld({ access: ACCESS });

    const answer = await exchange(world, await signFor(world, { repository_id: "666" }));

    expect(answer).toMatchObject({ status: 403, body: { code: "NO_GRANT" } });
    expect(await world.listAudit()).toMatchObject([
      { action: "login", outcome: "denied", code: "NO_GRANT", who: { kind: "workload", name: "github acme/web" } },
    ]);
  });

  it.each([
    ["another audience", { aud: "https://other.example" }, "LOGIN_FAILED"],
    ["no audience", { aud: undefined }, "LOGIN_FAILED"],
    ["no end", { exp: undefined }, "LOGIN_FAILED"],
    ["no instant of issue", { iat: undefined }, "LOGIN_FAILED"],
    ["an issuer that is not configured", { iss: "https://evil.example" }, "LOGIN_FAILED"],
    ["an end in the past", { exp: seconds(Date.now()) - 61 }, "CLOCK_SKEW"],
    ["a beginning in the future", { nbf: seconds(Date.now()) + 3_600 }, "CLOCK_SKEW"],
    ["an issue in the future", { iat: seconds(Date.now()) + 3_600 }, "CLOCK_SKEW"],
    ["an object as subject", { sub: { toString: "repo:acme/web" } }, "LOGIN_FAILED"],
    ["invisible characters in the subject", { sub: "repo:acme/web\u200b" }, "LOGIN_FAILED"],
  ])("answers 401 to a token with %s", async (_what, changed, code) => {
    const world = await startWorld({ access: ACCESS });

    expect(await exchange(world, await signFor(world, changed))).toMatchObject({ status: 401, body: { code } });
  });

  it.each([
    ["an object", { toString: "acme/web" }],
    ["a text with a line break", "acme/web\nx"],
    ["a text with a right-to-left override", "acme/\u202ebew"],
  ])("names the subject when the repository is %s", async (_what, repository) => {
    const world = await startWorld({ access: ACCESS });

    const { body } = await exchange(world, await signFor(world, { repository }));

    expect(await listOwn(world, body["access_token"])).toMatchObject({
      items: [{ who: { name: "github repo:acme/web" } }],
    });
  });

  it.each([
    ["the claim of a grant", { ref: { toString: "refs/heads/main" } }],
    ["the repository's id", { repository_id: { toString: 1 } }],
    ["a list of the right text", { ref: ["refs/heads/main"] }],
  ])("answers 403 when an object is %s", async (_what, changed) => {
    const world = await startWorld({ access: ACCESS });

    expect(await exchange(world, await signFor(world, changed))).toMatchObject({ status: 403 });
  });

  it("allows a clock to be off by less than 60 s", async () => {
    const world = await startWorld({ access: ACCESS });

    expect(await exchange(world, await signFor(world, { exp: seconds(Date.now()) - 50 }))).toMatchObject({
      status: 200,
    });
  });

  it("answers 401 to a token that another issuer signed", async () => {
    const world = await startWorld({ access: ACCESS });
    const stranger = await startTestIssuer({ yardUrl: world.url });
    await stranger.rotate();
    open.push(() => stranger.stop());

    const token = await signFor(world, { iss: world.issuer.url }, stranger);

    expect(await exchange(world, token)).toMatchObject({ status: 401, body: { code: "LOGIN_FAILED" } });
  });

  it.each([
    ["brings its own key", (jwk: object) => ({ jwk })],
    ["names another place for its key", () => ({ jku: "http://127.0.0.1:9/jwks", x5u: "http://127.0.0.1:9/x" })],
    ["has a key id that the issuer does not have", () => ({ kid: "../../keys" })],
  ])("answers 401 to a token that %s", async (_what, toHeader) => {
    const world = await startWorld({ access: ACCESS });
    const { privateKey, publicKey } = await generateKeyPair("ES256");
    const header = { alg: "ES256", ...toHeader(await exportJWK(publicKey)) };
    const claims = { ...CLAIMS, iss: world.issuer.url, aud: world.url };

    const token = await new SignJWT(claims)
      .setProtectedHeader(header)
      .setIssuedAt()
      .setExpirationTime("5m")
      .sign(privateKey);

    expect(await exchange(world, token)).toMatchObject({ status: 401, body: { code: "LOGIN_FAILED" } });
  });

  it("answers 503 when the issuer's keys cannot be fetched", async () => {
    const world = await startWorld({ access: ACCESS });
    const token = await signFor(world);
    await world.issuer.stop();

    expect(await exchange(world, token)).toMatchObject({ status: 503, body: { code: "UNREACHABLE" } });
  });

  it("accepts no unsigned token and no shared secret", async () => {
    const world = await startWorld({ access: ACCESS });
    const [, payload] = (await signFor(world)).split(".");
    const encode = (header: object) => Buffer.from(JSON.stringify(header)).toString("base64url");

    const none = await exchange(world, `${encode({ alg: "none" })}.${payload}.`);
    const shared = await exchange(world, `${encode({ alg: "HS256" })}.${payload}.AAAA`);

    expect(none).toMatchObject({ status: 401, body: { code: "LOGIN_FAILED" } });
    expect(shared).toMatchObject({ status: 401, body: { code: "LOGIN_FAILED" } });
  });

  it("answers 401 or 400 to any text, and 429 after 60 of them", async () => {
    const world = await startWorld({ access: ACCESS });
    const parts = (await signFor(world)).split(".");
    const damaged = fc
      .tuple(fc.nat(2), fc.nat(200), fc.base64String({ minLength: 1, maxLength: 4 }))
      .map(([part, at, text]) =>
        parts
          .map((each, index) => (index === part ? each.slice(0, at) + text + each.slice(at + text.length) : each))
          .join("."),
      );
    const statuses: number[] = [];
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ maxLength: 60 }), damaged), async (token) => {
        fc.pre(token !== parts.join("."));
        statuses.push((await exchange(world, token)).status);
      }),
      { numRuns: 70 },
    );

    // Base64url ignores some bits of the last character, so a changed token may still be the same one.
    expect(statuses.every((status) => [200, 400, 401, 429].includes(status))).toBe(true);
    expect(statuses.at(-1)).toBe(429);
  });

  it.each([
    ["another grant", { grant_type: "password" }, "unsupported_grant_type"],
    ["another type of token", { subject_token_type: "urn:ietf:params:oauth:token-type:saml2" }, "invalid_request"],
  ])("answers 400 to %s", async (_what, changed, error) => {
    const world = await startWorld({ access: ACCESS });
    const grant_type = "urn:ietf:params:oauth:grant-type:token-exchange";

    const answer = await post(`${world.url}/auth/token`, { grant_type, subject_token: "x", ...changed });

    expect(answer).toMatchObject({ status: 400, body: { error } });
  });
});

describe("a login with a code at this machine", () => {
  async function startLocal(groups?: readonly string[], access?: TestYardOptions["access"]) {
    const yard = createTestYard({ local: { name: "ada", ...(groups && { groups }) }, ...(access && { access }) });
    const { url } = await yard.server.start();
    open.push(() => yard.stop());
    const askForCode = async () => {
      const headers = { authorization: `Bearer ${TOKEN}` };
      return (await (await fetch(`${url}/auth/local`, { method: "POST", headers })).json()) as Fields;
    };
    return { yard, url, askForCode };
  }

  it("signs in once, by a form and not by the link alone", async () => {
    const { url, askForCode } = await startLocal();
    const browser = createTestBrowser();
    const { code = "", url: link = "" } = await askForCode();

    const page = await browser.open(link);
    const before = await browser.call(`${url}/v1/sessions`);
    await browser.submit(`${url}/auth/local`, { code });
    const after = await browser.call(`${url}/v1/sessions`);
    const again = await createTestBrowser().submit(`${url}/auth/local`, { code });

    expect(link).toBe(`${url}/auth/local?code=${code}`);
    expect(page.text).toContain(code);
    expect(before.status).toBe(401);
    expect(await after.json()).toMatchObject({ items: [{ who: { kind: "local", name: "ada" } }] });
    expect(again).toMatchObject({ status: 401, text: expect.stringContaining("LOGIN_FAILED") });
  });

  it("returns to the address that a person came for, and to no other site", async () => {
    const { url, askForCode } = await startLocal();
    const signIn = async (returnTo: string) => {
      const { code = "" } = await askForCode();
      const browser = createTestBrowser();
      const form = await browser.open(`${url}/auth/local?return=${encodeURIComponent(returnTo)}`);
      const kept = /name="return" value="([^"]*)"/.exec(form.text)?.[1]?.replaceAll("&amp;", "&") ?? "";
      return (await browser.submit(`${url}/auth/local`, { code, return: kept })).url;
    };

    expect(await signIn("/v1/me")).toBe(`${url}/v1/me`);
    expect(await signIn("//evil.example")).toBe(`${url}/`);
  });

  it("offers only ways in that exist", async () => {
    const { url } = await startLocal();
    const world = await startWorld();
    const browser = createTestBrowser();
    const ways = async (at: string) => (await fetch(`${at}/auth/ways`)).json();

    const error = await browser.open(`${url}/auth/login?return=/stacks`);

    expect([await ways(url), await ways(world.url)]).toEqual([
      { people: false, code: true },
      { people: true, code: false, issuer: new URL(world.issuer.url).host },
    ]);
    expect(error).toMatchObject({ status: 404, text: expect.stringContaining('"/auth/local?return=%2Fstacks"') });
    expect(error.text).not.toContain("/auth/login");
  });

  it("ends after 5 wrong tries", async () => {
    const { url, askForCode } = await startLocal();
    const { code = "" } = await askForCode();
    for (let tries = 0; tries < 5; tries += 1)
      await createTestBrowser().submit(`${url}/auth/local`, { code: "0000-0000" });

    expect((await createTestBrowser().submit(`${url}/auth/local`, { code })).status).toBe(401);
  });

  it("gives codes to the token of the data folder only", async () => {
    const { url } = await startLocal();

    const answer = await fetch(`${url}/auth/local`, {
      method: "POST",
      headers: { authorization: "Bearer wrong-token-123456" },
    });

    expect(answer.status).toBe(401);
  });

  it("gives a person with groups what grants give these", async () => {
    const grants = [{ to: { group: "team-api" }, role: "viewer" as const }];
    const { url, askForCode } = await startLocal(["team-web"], { grants });
    const { code = "" } = await askForCode();

    const page = await createTestBrowser().submit(`${url}/auth/local`, { code });

    expect(page).toMatchObject({ status: 403, text: expect.stringContaining("NO_GRANT") });
  });

  it("gives a person with groups everything where no grants are configured", async () => {
    const { url, askForCode } = await startLocal(["release-managers"]);
    const { code = "" } = await askForCode();
    const browser = createTestBrowser();

    await browser.submit(`${url}/auth/local`, { code });

    const me = await (await browser.call(`${url}/v1/me`)).json();
    expect(me).toMatchObject({ kind: "local", groups: ["release-managers"], rights: [{ role: "admin" }] });
  });
});

describe("limits by address", () => {
  it("answers 429 after 60 calls of /auth in a minute", async () => {
    const world = await startWorld();
    const statuses: number[] = [];
    for (let calls = 0; calls < 61; calls += 1) {
      statuses.push((await fetch(`${world.url}/auth/callback`)).status);
    }

    expect(statuses.slice(0, 60).every((status) => status === 401)).toBe(true);
    expect(statuses[60]).toBe(429);
  });

  it("answers 429 after 60 wrong credentials, but not to those that were right meanwhile", async () => {
    const world = await startWorld();
    const call = async (token: string) =>
      (await fetch(`${world.url}/v1/sessions`, { headers: { authorization: `Bearer ${token}` } })).status;
    const first = await call("wrong-0");
    const good = await call(TOKEN);
    for (let calls = 1; calls < 60; calls += 1) await call(`wrong-${calls}`);

    expect([first, good]).toEqual([401, 200]);
    expect(await call("wrong-60")).toBe(429);
    expect(await call(TOKEN)).toBe(200);
    expect((await world.listAudit()).filter(({ action }) => action === "denied")).toHaveLength(60);
  });

  it("answers 429 to one program that repeats an old token, and to no other behind the same address", async () => {
    const yard = createTestYard();
    open.push(() => yard.stop());
    const headers = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    const call = async (token: string) => (await yard.call("/v1/me", headers(token))).status;
    const body = { name: "late", role: "viewer" };
    const { token } = await yard.json<{ token: string }>("/v1/tokens", { method: "POST", body });
    const stale: number[] = [];
    for (let calls = 0; calls < 65; calls += 1) stale.push(await call("stale-token-of-a-scraper-0000"));

    expect([stale[59], stale[64]]).toEqual([401, 429]);
    expect([await call(token), await call(TOKEN)]).toEqual([200, 200]);
  });

  it.each([
    ["/health/live", 200],
    ["/openapi.json", 200],
    ["/nowhere", 404],
    ["/auth/nowhere", 404],
    ["/hooks/open", 202],
    ["/terraform/state/", 400],
  ])("does not take a credential for right because %s, which does not check it, answers %i", async (path, status) => {
    const answer = async () => new Response(null, { status: 202 });
    const routes = [{ method: "GET", path: "/hooks/open", maxBytes: 1, answer }] as const;
    const yard = createTestYard({ deps: { services: [{ name: "open", routes }] } });
    open.push(() => yard.stop());
    const call = async (to: string, token: string) =>
      (await yard.call(to, { headers: { authorization: `Bearer ${token}` } })).status;
    await call("/v1/sessions", "wrong-0");
    const unchecked = await call(path, "guess");
    for (let calls = 1; calls < 60; calls += 1) await call("/v1/sessions", `wrong-${calls}`);

    expect([unchecked, await call("/v1/sessions", "guess")]).toEqual([status, 429]);
  });

  it("answers 429 to attempts of Terraform only when their password is wrong", async () => {
    const yard = createTestYard();
    open.push(() => yard.stop());
    const { authorization } = await claimAttempt(yard, "pr-1");
    const call = async (credential: string) =>
      (await yard.call("/terraform/state/review-app/pr-1/key", { headers: { authorization: credential } })).status;
    await call("Bearer wrong");
    const before = await call(authorization);
    for (let calls = 0; calls < 60; calls += 1) await call(`Bearer wrong-${calls}`);

    expect([before, await call(authorization), await call("Bearer other")]).toEqual([404, 404, 429]);
  });
});
