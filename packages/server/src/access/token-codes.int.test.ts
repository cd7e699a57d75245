import type { AuditEntry } from "@stackyard/core/access";
import { createTestBrowser } from "@stackyard/oidc-issuer";
import { afterEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard, type TestYardOptions, TOKEN } from "../testing/test-yard.ts";

const BOB = "another-token-of-the-tests";
const TOKENS = [
  { name: "ops", token: TOKEN },
  { name: "bob", token: BOB },
];
const source = `
version: 2
events: [SHIP]
states:
  INIT: { on: { SHIP: GATE } }
  GATE: { tasks: [sign-off], on: { NEXT: LIVE } }
  LIVE: {}
tasks:
  sign-off: { executor: approval, config: { from: [managers] } }
`;

let yard: TestYard | undefined;
afterEach(async () => {
  await yard?.stop();
  yard = undefined;
});

type Fields = Readonly<Record<string, string>>;

async function start(options: TestYardOptions = {}) {
  const started = createTestYard({ source, tokens: TOKENS, ...options });
  yard = started;
  const { url } = await started.server.start();
  const requestCode = async (fields: Fields, token = TOKEN) => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${url}/auth/local`, { method: "POST", headers, body: new URLSearchParams(fields) });
    return { status: answer.status, body: (await answer.json()) as Fields };
  };
  return {
    url,
    yard: started,
    requestCode,
    /** Signs a browser in with a new code. */
    async signIn(fields: Fields, token = TOKEN) {
      const { body } = await requestCode(fields, token);
      const browser = createTestBrowser();
      const page = await browser.submit(`${url}/auth/local`, { code: body["code"] ?? "" });
      const call = async (path: string, body?: object) => {
        const headers = { "content-type": "application/json" };
        const init = body === undefined ? {} : { method: "POST", headers, body: JSON.stringify(body) };
        const answer = await browser.call(`${url}${path}`, init);
        return { status: answer.status, body: (await answer.json()) as Record<string, never> };
      };
      return { browser, page, call };
    },
    async listAudit() {
      const { items } = await started.store.records.list("audit/pending/", { limit: 200, now: started.clock.now() });
      return items.map(({ value }) => value as AuditEntry);
    },
  };
}

describe("a one-time code of a configured token", () => {
  it("signs a person in once, who is named with the token in lists and in the audit log", async () => {
    const { url, requestCode, listAudit } = await start();
    const { body } = await requestCode({ name: "Ada" });
    const code = body["code"] ?? "";
    const browser = createTestBrowser();

    const page = await browser.submit(`${url}/auth/local`, { code });
    const again = await createTestBrowser().submit(`${url}/auth/local`, { code });

    const me = await (await browser.call(`${url}/v1/me`)).json();
    expect(body["url"]).toBe(`${url}/auth/local?code=${code}`);
    expect(code).toMatch(/^([0-9A-Z]{4}-){3}[0-9A-Z]{4}$/);
    expect([page.status, again.status]).toEqual([200, 401]);
    expect(me).toMatchObject({ kind: "person", name: "Ada (code of ops)", rights: [{ role: "admin" }] });
    expect((await listAudit()).map(({ action, outcome, who, on }) => [action, outcome, who.name, on.key])).toEqual([
      ["createCode", "begun", "ops", "Ada (code of ops)"],
      ["createCode", "done", "ops", "Ada (code of ops)"],
      ["login", "done", "Ada (code of ops)", undefined],
      ["login", "denied", "anonymous", undefined],
    ]);
  });

  it("gives at most the rights of its token, also when these become fewer", async () => {
    const grants = [
      { to: { token: "ops" }, role: "admin" as const },
      { to: { token: "bob" }, role: "operator" as const, groups: ["managers"] },
    ];
    const { requestCode, signIn } = await start({ access: { grants } });

    const lower = await signIn({ name: "Eve", role: "viewer", groups: "managers" });
    const refused = await requestCode({ name: "Bob" }, BOB);

    expect((await lower.call("/v1/me")).body).toMatchObject({ groups: ["managers"], rights: [{ role: "viewer" }] });
    expect((await lower.call("/v1/events", { event: "SHIP", stackId: "a", machine: "review-app" })).status).toBe(403);
    expect(refused).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
  });

  it.each([
    ["no name", {}],
    ["a hidden character", { name: "A\u200bda" }],
    ["an unknown role", { name: "Ada", role: "owner" }],
    ["an empty group", { name: "Ada", groups: "a,,b" }],
  ])("is refused for %s", async (_what, fields: Fields) => {
    const { requestCode } = await start();

    expect(await requestCode(fields)).toMatchObject({ status: 400, body: { code: "USAGE" } });
  });

  it("is not made by an API token, a person, or an anonymous caller", async () => {
    const { yard: own, url, requestCode, signIn } = await start();
    const { token } = await own.json<{ token: string }>("/v1/tokens", { body: { name: "t", role: "admin" } });
    const { browser } = await signIn({ name: "Ada" });

    const statuses = [
      (await requestCode({ name: "x" }, token)).status,
      (await requestCode({ name: "x" }, "wrong-token-123456")).status,
      (await browser.submit(`${url}/auth/local`, { name: "x" })).status,
    ];

    expect(statuses).toEqual([403, 401, 401]);
  });

  it("is one person with all codes and requests of its token, and another one than those of other tokens", async () => {
    const { yard: own, signIn } = await start();
    own.run();
    const ada = await signIn({ name: "Ada", groups: "managers" });
    const alsoAda = await signIn({ name: "Carl", groups: "managers" });
    const bob = await signIn({ name: "Bob", groups: "managers" }, BOB);
    await ada.call("/v1/events", { event: "SHIP", stackId: "a", machine: "review-app" });
    const findApproval = async () => (await ada.call("/v1/approvals")).body["items"]?.[0] as { id: string } | undefined;
    await expect.poll(findApproval).toBeDefined();
    const path = `/v1/approvals/${encodeURIComponent((await findApproval())?.id ?? "")}/approve`;

    const hers = await ada.call(path, {});
    const renamed = await alsoAda.call(path, {});
    const other = await bob.call(path, {});

    expect([hers.status, renamed.status, other.status]).toEqual([409, 409, 200]);
    expect(renamed.body).toMatchObject({ code: "NOT_ALLOWED", detail: expect.stringContaining("requested it") });
  });

  it("does not exist where an issuer signs people in, or browsers do not know the address", async () => {
    const people = { issuer: "https://id.example.org", clientId: "stackyard" };
    const { requestCode } = await start({ url: "https://yard.example.org", access: { people, grants: [] } });
    const first = await requestCode({ name: "Ada" });
    await yard?.stop();
    const outside = createTestYard({ tokens: TOKENS, host: "0.0.0.0" });
    yard = outside;

    const ways = await outside.json<object>("/auth/ways");

    expect([first.status, ways]).toEqual([404, { people: false, code: false }]);
  });

  it("lets a command line in by the browser that it has signed in", async () => {
    const { url, signIn } = await start();
    const { browser } = await signIn({ name: "Ada" });
    const post = async (path: string, fields: Fields) =>
      (await (await fetch(url + path, { method: "POST", body: new URLSearchParams(fields) })).json()) as Fields;
    const device = await post("/auth/device", { client_id: "stackyard-cli", client_name: "laptop" });

    await browser.submit(`${url}/auth/confirm`, { code: device["user_code"] ?? "", answer: "allow" });
    const grant_type = "urn:ietf:params:oauth:grant-type:device_code";
    const login = await post("/auth/token", { grant_type, device_code: device["device_code"] ?? "" });

    const headers = { authorization: `Bearer ${login["access_token"]}` };
    const me = await (await fetch(`${url}/v1/me`, { headers })).json();
    expect(me).toMatchObject({ name: "Ada (code of ops)", rights: [{ role: "admin" }] });
  });
});
