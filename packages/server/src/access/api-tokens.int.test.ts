import { StackyardError } from "@stackyard/core";
import type { ApiToken, Me, NewApiToken } from "@stackyard/core/api";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createServer } from "../create-server.ts";
import { eventually } from "../testing/eventually.ts";
import { createTestYard, type TestYard, type TestYardOptions, TOKEN } from "../testing/test-yard.ts";

let yard: TestYard;
afterEach(() => yard.stop());

/** Its time passes only by `advance`: what holds for five seconds does so on a slow machine too. */
const open = (options: TestYardOptions = {}) => {
  yard = createTestYard({ hasStillClock: true, ...options });
  return yard;
};
const as = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } });
const create = (body: object, init = {}) =>
  yard.json<NewApiToken>("/v1/tokens", { body: { name: "ci", role: "operator", ...body }, ...init });
const statusOf = async (path: string, secret: string) => (await yard.call(path, as(secret))).status;
const DAY_MS = 86_400_000;

describe("/v1/tokens", () => {
  it("creates a token that works at once, shows its secret once and keeps only its digest", async () => {
    open();

    const { token: secret, ...token } = await create({ stacks: ["web-"], groups: ["ci"] });

    expect(secret).toMatch(/^syt_[0-9A-Za-z]{49}$/);
    expect(token).toMatchObject({ name: "ci", status: "active", role: "operator", stacks: ["web-"], groups: ["ci"] });
    expect(await yard.json<Me>("/v1/me", as(secret))).toEqual({
      kind: "token",
      id: token.id,
      name: "ci",
      groups: ["ci"],
      via: "bearer",
      expiresAt: token.expiresAt,
      rights: [{ role: "operator", permissions: ["read", "approve", "send", "operate"], stacks: ["web-"] }],
    });
    const { items } = await yard.json<{ items: ApiToken[] }>("/v1/tokens");
    expect(items).toEqual([
      expect.objectContaining({ id: token.id, createdBy: { kind: "token", id: "configured:tester", name: "tester" } }),
    ]);
    const kept = await yard.store.records.list("", { limit: 1_000, now: yard.clock.now() });
    expect(JSON.stringify(kept)).not.toContain(secret.slice(4, 20));
  });

  it("takes a token as the password of Basic too", async () => {
    open();
    const { token } = await create({});
    const authorization = `Basic ${Buffer.from(`token:${token}`).toString("base64")}`;

    expect(await yard.json("/v1/me", { headers: { authorization } })).toMatchObject({ via: "basic", name: "ci" });
  });

  it("counts the tokens of tokens together, whatever their tree", async () => {
    open();
    const body = { name: "x", role: "viewer" };
    const createWith = async (secret: string) => {
      const answer = await yard.call("/v1/tokens", { body, ...as(secret) });
      return answer.ok ? [((await answer.json()) as NewApiToken).token] : [];
    };
    const { token: top } = await create({ role: "viewer" });
    const secrets = [top];
    // Each creates three more, and so do these; iteration over a list includes items that are added meanwhile.
    for (const secret of secrets) {
      for (const _ of [1, 2, 3]) secrets.push(...(await createWith(secret)));
    }

    expect(secrets).toHaveLength(100);
    expect((await yard.call("/v1/tokens", { body })).ok).toBe(true);
  });

  it("refuses more than the creator has, and says what", async () => {
    open();
    const { token } = await create({ stacks: ["web-"] });

    for (const body of [
      { role: "maintainer", stacks: ["web-"] },
      { role: "viewer" },
      { role: "viewer", stacks: ["web-"], expires: "100d" },
      { role: "viewer", stacks: ["web-"], expires: "never" },
    ]) {
      const response = await yard.call("/v1/tokens", { body: { name: "x", ...body }, ...as(token) });
      expect([response.status, await response.json()]).toEqual([
        403,
        expect.objectContaining({
          code: "FORBIDDEN",
          details: expect.objectContaining({ permission: expect.any(String) }),
        }),
      ]);
    }
  });

  it.each([
    [{ role: "owner" }, 400],
    [{ name: "a b" }, 400],
    [{ expires: "367d" }, 400],
    [{ expires: "soon" }, 400],
    [{ stacks: [] }, 400],
  ])("refuses the request %j", async (body, status) => {
    open();
    const response = await yard.call("/v1/tokens", { body: { name: "ci", role: "viewer", ...body } });

    expect([response.status, await response.json()]).toEqual([status, expect.objectContaining({ code: "USAGE" })]);
  });

  it("lists and ends only one's own, but everything for administrators", async () => {
    open();
    const one = await create({ name: "one" });
    const two = await create({ name: "two", role: "viewer" }, as(one.token));

    const names = async (secret: string) => {
      const { items } = await yard.json<{ items: ApiToken[] }>("/v1/tokens", as(secret));
      return items.map(({ name }) => name);
    };
    expect(await names(TOKEN)).toEqual(["one", "two"]);
    expect(await names(one.token)).toEqual(["one", "two"]);
    expect(await names(two.token)).toEqual(["two"]);
    const revoke = await yard.call(`/v1/tokens/${one.id}/revoke`, { body: {}, ...as(two.token) });
    expect([revoke.status, await revoke.json()]).toEqual([404, expect.objectContaining({ code: "NOT_FOUND" })]);
  });

  it("has no tokens where IAM decides", async () => {
    open({ apiTokens: false });

    const response = await yard.call("/v1/tokens", { body: { name: "ci", role: "viewer" } });

    expect([response.status, await response.json()]).toEqual([400, expect.objectContaining({ code: "USAGE" })]);
    expect(await yard.json("/v1/me")).toMatchObject({ name: "tester", via: "old", rights: [{ role: "admin" }] });
  });
});

describe("the end of a token", () => {
  it("holds at once on its server, and within five seconds on another", async () => {
    const { store, locator, clock } = open();
    let ahead = 0;
    const otherClock = { ...clock, now: () => clock.now() + ahead };
    const deps = { store, locator, clock: otherClock, executors: new Map(), version: "0", logger: quiet };
    const other = createServer(
      { ...deps, ids: { next: () => "x" } },
      { port: 0, tokens: [{ name: "a", token: TOKEN }] },
    );
    const ask = async (secret: string) =>
      (await other.app.fetch(new Request("http://127.0.0.1/v1/me", as(secret)))).status;
    const { token, id } = await create({});
    expect([await statusOf("/v1/me", token), await ask(token)]).toEqual([200, 200]);

    await yard.call(`/v1/tokens/${id}/revoke`, { body: {} });

    expect([await statusOf("/v1/me", token), await ask(token)]).toEqual([401, 200]);
    ahead = 5_000;
    expect(await ask(token)).toBe(401);
    expect((await yard.json<{ items: ApiToken[] }>("/v1/tokens")).items).toMatchObject([{ status: "revoked" }]);
    await other.stop();
  });

  it("comes by itself, to the millisecond", async () => {
    open();
    const { token, expiresAt } = await create({ expires: "1d" });
    yard.advance(DAY_MS - 10_000);
    expect(await statusOf("/v1/me", token)).toBe(200);

    yard.advance(Date.parse(expiresAt ?? "") - yard.clock.now());

    expect(await statusOf("/v1/me", token)).toBe(401);
    expect((await yard.json<{ items: ApiToken[] }>("/v1/tokens")).items).toMatchObject([{ status: "expired" }]);
    yard.advance(30 * DAY_MS);
    expect((await yard.json<{ items: ApiToken[] }>("/v1/tokens")).items).toEqual([]);
  });

  it("ends open streams", async () => {
    open();
    const { token, id } = await create({});
    const stream = await yard.call("/v1/watch", as(token));
    const reader = stream.body?.getReader();
    await reader?.read();

    await yard.call(`/v1/tokens/${id}/revoke`, { body: {} });

    await eventually(async () => expect((await reader?.read())?.done).toBe(true));
  });

  it("of an earlier secret comes after the overlap", async () => {
    open();
    const { token: first, id } = await create({});

    const second = await yard.json<NewApiToken>(`/v1/tokens/${id}/rotate`, { body: { overlap: "1h" } });

    expect(second).toMatchObject({ id, name: "ci", earlierEndsAt: expect.any(String) });
    expect([await statusOf("/v1/me", first), await statusOf("/v1/me", second.token)]).toEqual([200, 200]);
    yard.advance(3_600_000);
    expect([await statusOf("/v1/me", first), await statusOf("/v1/me", second.token)]).toEqual([401, 200]);
  });

  it("without overlap comes at once; out of range nothing happens", async () => {
    open();
    const { token: first, id } = await create({});

    const refused = await yard.call(`/v1/tokens/${id}/rotate`, { body: { overlap: "8d" } });
    const second = await yard.json<NewApiToken>(`/v1/tokens/${id}/rotate`, { body: { overlap: "0s" } });

    expect(refused.status).toBe(400);
    expect([await statusOf("/v1/me", first), await statusOf("/v1/me", second.token)]).toEqual([401, 200]);
    const revoked = await yard.call(`/v1/tokens/${id}/revoke`, { body: {}, ...as(second.token) });
    expect(revoked.status).toBe(200);
    expect(await statusOf("/v1/me", second.token)).toBe(401);
    expect((await yard.call(`/v1/tokens/${id}/rotate`, { body: {} })).status).toBe(409);
  });

  it("is not postponed by a rotation with more rights than the caller's", async () => {
    open();
    const { id } = await create({ role: "maintainer" });
    const admin = await create({ name: "limited", role: "viewer", also: ["access"] });

    const response = await yard.call(`/v1/tokens/${id}/rotate`, { body: {}, ...as(admin.token) });

    expect([response.status, await response.json()]).toEqual([403, expect.objectContaining({ code: "FORBIDDEN" })]);
  });
});

describe("API tokens and the store", () => {
  it("are refused with 503 when it does not answer, and a known one is good for five seconds", async () => {
    open();
    const { token } = await create({});
    await yard.call("/v1/me", as(token));
    vi.spyOn(yard.store.records, "get").mockRejectedValue(new StackyardError("STORE_UNAVAILABLE", "It is away."));

    expect(await statusOf("/v1/me", token)).toBe(200);
    yard.advance(5_000);
    expect(await statusOf("/v1/me", token)).toBe(503);
  });

  it("are not created when the audit log cannot be written", async () => {
    open();
    vi.spyOn(yard.store.records, "put").mockRejectedValue(new StackyardError("STORE_UNAVAILABLE", "It is away."));

    const response = await yard.call("/v1/tokens", { body: { name: "ci", role: "viewer" } });

    vi.restoreAllMocks();
    expect(response.status).toBe(503);
    expect((await yard.json<{ items: ApiToken[] }>("/v1/tokens")).items).toEqual([]);
  });

  it("are audited: begun, done, without secrets", async () => {
    open();
    const { id, token } = await create({});
    await yard.call(`/v1/tokens/${id}/revoke`, { body: {} });

    const page = await yard.store.records.list("audit/pending/", { limit: 100, now: yard.clock.now() });
    const lines = page.items.map(({ value }) => value as { action: string; outcome: string; on: object });
    expect(lines.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      "createToken begun",
      "createToken done",
      "revokeToken begun",
      "revokeToken done",
    ]);
    expect(lines[0]).toMatchObject({ on: { tokenId: id, key: "ci" }, who: { name: "tester" }, via: "api" });
    expect(JSON.stringify(page)).not.toContain(token);
  });

  it("are looked up once in five seconds, and their use is noted every five minutes", async () => {
    open();
    const { token } = await create({});
    const get = vi.spyOn(yard.store.records, "get");

    for (let call = 0; call < 5; call += 1) await yard.call("/v1/me", as(token));

    expect(get).toHaveBeenCalledTimes(2);
    const lastUsed = async () => (await yard.json<{ items: ApiToken[] }>("/v1/tokens")).items[0]?.lastUsedAt;
    await eventually(async () => expect(await lastUsed()).toBeDefined());
    const first = await lastUsed();
    yard.advance(299_000);
    await yard.call("/v1/me", as(token));
    expect(await lastUsed()).toBe(first);
    yard.advance(6_000);
    await yard.call("/v1/me", as(token));
    await eventually(async () => expect(await lastUsed()).not.toBe(first));
  });

  it("are not looked up with a wrong checksum", async () => {
    open();
    const { token } = await create({});
    const get = vi.spyOn(yard.store.records, "get");
    const wrong = token.replace(/.$/, (last) => (last === "0" ? "1" : "0"));

    expect(await statusOf("/v1/me", wrong)).toBe(401);
    expect(get).not.toHaveBeenCalled();
  });
});

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
