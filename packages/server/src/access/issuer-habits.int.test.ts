import type { IncomingMessage, ServerResponse } from "node:http";
import { createTestBrowser, type TestIssuer } from "@stackyard/oidc-issuer";
import { afterEach, describe, expect, it } from "vitest";
import { type LoginWorld, startLoginWorld } from "../testing/login-world.ts";

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface World extends LoginWorld {
  readonly warnings: readonly { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[];
}

async function startWorld(options?: Parameters<typeof startLoginWorld>[0]): Promise<World> {
  const warnings: { message: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const logger = {
    debug() {},
    info() {},
    error() {},
    warn: (message: string, fields: Readonly<Record<string, unknown>> = {}) => void warnings.push({ message, fields }),
  };
  const world = await startLoginWorld({ logger, ...options });
  open.push(() => world.stop());
  return { ...world, warnings };
}

function send(response: ServerResponse, status: number, body: unknown, type = "application/json"): true {
  response.writeHead(status, { "content-type": type });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
  return true;
}

/** Answers one path in place of the issuer. */
function overriding(path: string, answer: (request: IncomingMessage, response: ServerResponse) => boolean) {
  return (request: IncomingMessage, response: ServerResponse) =>
    request.url?.split("?")[0] === path ? answer(request, response) : false;
}

const USERINFO = "/me";
const withGroups: TestIssuer["tamper"] = (claims) => ({
  ...claims,
  email: "ada@example.org",
  email_verified: true,
  groups: ["team-web"],
});

async function signIn({ url }: LoginWorld) {
  const { status, text } = await createTestBrowser().open(`${url}/auth/login?return=/v1/me`);
  return { status, text: text.replaceAll("&quot;", '"').replaceAll("&#39;", "'") };
}

describe("an issuer whose userinfo does not answer", () => {
  it.each([
    ["401", 401, { error: "invalid_token" }, "application/json"],
    ["403", 403, { error: "insufficient_scope" }, "application/json"],
    ["500", 500, "oops", "text/plain"],
    ["HTML", 200, "<html>", "text/html"],
    ["a JWT that nobody can check", 200, "e30.e30.", "application/jwt"],
  ])(
    "signs in with the claims of the ID token, %s [sonar-auth-oidc#39, argo-cd#10575, grafana#78977]",
    async (_what, status, body, type) => {
      const world = await startWorld();
      world.issuer.tamper = withGroups;
      world.issuer.override = overriding(USERINFO, (_, response) => send(response, status, body, type));

      expect(await signIn(world)).toMatchObject({ status: 200, text: expect.stringContaining('"team-web"') });
    },
  );

  it.each([
    ["401", 401, { error: "invalid_token" }, "application/json", /userinfo .* status 401/],
    ["403", 403, { error: "insufficient_scope" }, "application/json", /userinfo .* status 403/],
    ["HTML", 200, "<html>", "text/html", /userinfo .* not JSON/],
    ["a JWT that nobody can check", 200, "e30.e30.", "application/jwt", /userinfo .* signed/],
    ["another person", 200, { sub: "eve", groups: ["team-web"] }, "application/json", /userinfo .* another person/],
  ])("says so when the groups are missing therefore, %s", async (_what, status, body, type, reason) => {
    const world = await startWorld();
    world.issuer.override = overriding(USERINFO, (_, response) => send(response, status, body, type));

    const page = await signIn(world);

    expect(page).toMatchObject({ status: 403, text: expect.stringContaining("NO_GRANT") });
    expect(page.text).toMatch(reason);
    expect(JSON.stringify(world.warnings)).toMatch(reason);
  });

  it("asks to try again when the groups are missing because userinfo is down", async () => {
    const world = await startWorld();
    world.issuer.override = overriding(USERINFO, (_, response) => send(response, 503, "down", "text/plain"));

    expect(await signIn(world)).toMatchObject({ status: 503, text: expect.stringContaining("UNREACHABLE") });
  });

  it("is not asked when the ID token has groups and a name", async () => {
    const world = await startWorld();
    const calls: string[] = [];
    world.issuer.tamper = withGroups;
    world.issuer.override = ({ url = "" }) => {
      calls.push(url);
      return false;
    };

    expect(await signIn(world)).toMatchObject({ status: 200 });
    expect(calls).not.toContain(USERINFO);
  });
});

const DISCOVERY = "/.well-known/openid-configuration";

describe("an issuer with another name", () => {
  it.each([
    ["a slash at its end", (url: string) => `${url}/realms/yard/`],
    ["another host", () => "https://id.internal:8443"],
  ])(
    "is named next to the configured one, %s [vaultwarden#103, Gokapi#149, dawarich#2925, mantrae#47]",
    async (_what, toName) => {
      const world = await startWorld();
      const name = toName(world.issuer.url);
      world.issuer.override = overriding(DISCOVERY, (_, response) => send(response, 200, { issuer: name }));

      const page = await signIn(world);

      expect(page.status).toBe(401);
      expect(page.text).toContain(`calls itself "${name}"`);
      expect(page.text).toContain(`"${world.issuer.url}"`);
      expect(world.warnings).toMatchObject([
        { fields: { code: "LOGIN_FAILED", reason: expect.stringContaining(name) } },
      ]);
    },
  );

  it.each([
    ["no OpenID Connect at all", 404, { error: "no" }, "application/json", "status 404"],
    ["a page", 200, "<html>", "text/html", "not JSON"],
    ["a name that is not text", 200, { issuer: 4 }, "application/json", "issuer"],
  ])("is distinguished from one with %s", async (_what, status, body, type, reason) => {
    const world = await startWorld();
    world.issuer.override = overriding(DISCOVERY, (_, response) => send(response, status, body, type));

    const page = await signIn(world);

    expect(page.text).toContain(`${world.issuer.url}${DISCOVERY}`);
    expect(page.text).toContain(reason);
    expect(page.text).not.toMatch(/OAUTH_|unknown/);
  });
});

describe("the issuer's own reason", () => {
  it.each([
    [
      "access_denied",
      "User is not assigned to the client application <script>alert(1)</script>",
      "User is not assigned to the client application &lt;script&gt;",
    ],
    ["invalid_scope", "AADSTS70011: scope \u202e is wrong\r\nTrace ID: 1", "AADSTS70011: scope is wrong Trace ID: 1"],
    ["temporarily_unavailable", "x".repeat(2_000), "xxx…"],
    ["interaction_required", undefined, "interaction_required"],
  ])("is shown as text and logged, %s", async (error, description, shown) => {
    const world = await startWorld();
    world.issuer.override = overriding("/auth", (request, response) => {
      const asked = new URL(request.url ?? "", world.issuer.url).searchParams;
      const back = new URL(asked.get("redirect_uri") ?? "");
      back.searchParams.set("error", error);
      if (description !== undefined) back.searchParams.set("error_description", description);
      back.searchParams.set("state", asked.get("state") ?? "");
      back.searchParams.set("iss", world.issuer.url);
      response.writeHead(302, { location: back.href });
      response.end();
      return true;
    });

    const { status, text } = await createTestBrowser().open(`${world.url}/auth/login`);

    expect(status).toBe(401);
    expect(text).toContain(error);
    expect(text).toContain(shown);
    // Without the style, which is ours.
    expect(text.replace(/<style.*<\/style>/s, "").length).toBeLessThan(3_000);
    expect(world.warnings).toMatchObject([
      { fields: { code: "LOGIN_FAILED", reason: expect.stringContaining(error) } },
    ]);
  });

  it.each([
    [
      "wrong client secret",
      401,
      { error: "invalid_client", error_description: "Client credentials are wrong" },
      "application/json",
      "Client credentials are wrong",
    ],
    ["a page", 200, "<html>", "text/html", "not JSON"],
    ["a subject that is a number", 200, undefined, "application/json", "sub"],
  ])("of the token endpoint is readable, %s", async (_what, status, body, type, shown) => {
    const world = await startWorld();
    if (body === undefined) world.issuer.tamper = (claims) => ({ ...claims, sub: 42 as unknown as string });
    else world.issuer.override = overriding("/token", (_, response) => send(response, status, body, type));

    const page = await signIn(world);

    expect(page).toMatchObject({ status: 401, text: expect.stringContaining(shown) });
    expect(page.text).not.toMatch(/OAUTH_|"unknown"/);
  });
});

describe("an issuer whose clock differs", () => {
  it.each([70, 600, 86_400])("is refused when its tokens are from %d s ahead", async (seconds) => {
    const world = await startWorld();
    world.issuer.tamper = (claims) => ({
      ...claims,
      iat: Number(claims.iat) + seconds,
      exp: Number(claims.exp) + seconds,
    });

    const page = await signIn(world);

    expect(page).toMatchObject({ status: 401, text: expect.stringContaining("CLOCK_SKEW") });
    expect(page.text).toMatch(/has iat 20\S+Z, and this server's clock says 20\S+Z/);
  });

  it.each([-50, 0, 50])("signs in when it differs by %d s", async (seconds) => {
    const world = await startWorld();
    world.issuer.tamper = (claims) => ({
      ...claims,
      iat: Number(claims.iat) + seconds,
      exp: Number(claims.exp) + seconds,
    });

    expect(await signIn(world)).toMatchObject({ status: 200 });
  });
});

describe("many and long groups", () => {
  it("signs in without a group that cannot be named, a directory's DN", async () => {
    const world = await startWorld();
    const dn = `CN=${"x".repeat(140)},OU=Groups,DC=example`;
    world.issuer.tamper = (claims) => ({ ...claims, groups: ["team-web", dn] });

    const page = await signIn(world);

    expect(page).toMatchObject({ status: 200, text: expect.not.stringContaining(dn) });
  });

  it("names the number and what to do when there are too many", async () => {
    const world = await startWorld();
    world.issuer.tamper = (claims) => ({ ...claims, groups: Array.from({ length: 61 }, (_, index) => `g${index}`) });

    const page = await signIn(world);

    expect(page).toMatchObject({ status: 403, text: expect.stringContaining("GROUPS_MISSING") });
    expect(page.text).toContain("The person is in 61 groups");
    expect(page.text).not.toContain("match keepGroups");
  });
});

describe("the scopes of a login", () => {
  it("are those of the configuration, with openid", async () => {
    const world = await startWorld({
      access: { people: { issuer: "", clientId: "stackyard", scopes: ["profile", "roles"] } },
    });

    const start = await createTestBrowser().call(`${world.url}/auth/login`);

    expect(new URL(start.headers.get("location") ?? "").searchParams.get("scope")).toBe("openid profile roles");
  });
});
