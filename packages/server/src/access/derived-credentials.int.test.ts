import type { ApiToken, Me, NewApiToken } from "@stackyard/core/api";
import { createTestBrowser } from "@stackyard/oidc-issuer";
import { afterEach, describe, expect, it } from "vitest";
import { type LoginWorld, startLoginWorld } from "../testing/login-world.ts";
import { createTestYard, type TestYard } from "../testing/test-yard.ts";

/** What is made with a credential ends with it: rights do not outlive it in what was made before they were taken away. */
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

function startYard(): TestYard {
  const yard = createTestYard();
  open.push(() => yard.stop());
  return yard;
}

async function startWorld(): Promise<LoginWorld> {
  const world = await startLoginWorld();
  open.push(() => world.stop());
  return world;
}

const as = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } });
const SECONDS = 1_000;
const HOUR_MS = 3_600_000;

function useTokens(yard: TestYard) {
  return {
    create: (body: object, secret?: string) =>
      yard.json<NewApiToken>("/v1/tokens", {
        body: { name: "ci", role: "operator", ...body },
        ...(secret === undefined ? {} : as(secret)),
      }),
    revoke: (id: string) => yard.json<ApiToken>(`/v1/tokens/${id}/revoke`, { body: {} }),
    rotate: (id: string, secret: string, body: object = {}) =>
      yard.call(`/v1/tokens/${id}/rotate`, { body, ...as(secret) }),
    statusOf: async (secret: string) => (await yard.call("/v1/me", as(secret))).status,
  };
}

describe("a token that a token has made", () => {
  it("ends with it, and so does what that one has made", async () => {
    const yard = startYard();
    const { create, revoke, statusOf } = useTokens(yard);
    const parent = await create({ expires: "30d" });
    const child = await create({ expires: "20d" }, parent.token);
    const grandchild = await create({ expires: "10d" }, child.token);
    const other = await create({ expires: "10d" });
    expect(await Promise.all([child, grandchild].map(({ token }) => statusOf(token)))).toEqual([200, 200]);

    await revoke(parent.id);

    expect(await Promise.all([parent, child, grandchild, other].map(({ token }) => statusOf(token)))).toEqual([
      401, 401, 401, 200,
    ]);
    yard.advance(31 * 24 * HOUR_MS);
    expect(await statusOf(child.token)).toBe(401);
  });

  it("of a person lives on when the person signs out", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    await browser.open(`${world.url}/auth/login`);
    const headers = { cookie: `${world.cookie}=${browser.cookie(world.cookie)}`, "sec-fetch-site": "same-origin" };
    const body = { name: "laptop", role: "viewer" };
    const made = await fetch(`${world.url}/v1/tokens`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const { token } = (await made.json()) as NewApiToken;

    await fetch(`${world.url}/auth/logout`, { method: "POST", headers });

    expect((await fetch(`${world.url}/v1/me`, as(token))).status).toBe(200);
  });
});

describe("a secret that was replaced", () => {
  it("does not replace the one that has replaced it, to its last minute", async () => {
    const yard = startYard();
    const { create, rotate, statusOf } = useTokens(yard);
    const { id, token: first } = await create({ expires: "30d" });
    const second = (await (await rotate(id, first, { overlap: "1h" })).json()) as NewApiToken;

    yard.advance(HOUR_MS - 60 * SECONDS);
    const again = await rotate(id, first, { overlap: "0s" });

    expect([again.status, await again.json()]).toMatchObject([403, { code: "FORBIDDEN" }]);
    expect(await Promise.all([first, second.token].map(statusOf))).toEqual([200, 200]);
    expect((await rotate(id, second.token)).status).toBe(200);
  });
});

const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";

async function post(url: string, fields: Readonly<Record<string, string>>) {
  const answer = await fetch(url, { method: "POST", body: new URLSearchParams(fields) });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** Signs a browser in, which allows a terminal. */
async function allowTerminal(world: LoginWorld, { afterMs = 0 } = {}) {
  const browser = createTestBrowser();
  await browser.open(`${world.url}/auth/confirm`);
  world.yard.advance(afterMs);
  const { body } = await post(`${world.url}/auth/device`, { client_name: "laptop" });
  await browser.submit(`${world.url}/auth/confirm`, { code: String(body["user_code"]), answer: "allow" });
  const cookie = `${world.cookie}=${browser.cookie(world.cookie)}`;
  const poll = () => post(`${world.url}/auth/token`, { grant_type: DEVICE, device_code: String(body["device_code"]) });
  const signOut = () =>
    fetch(`${world.url}/auth/logout`, { method: "POST", headers: { cookie, "sec-fetch-site": "same-origin" } });
  return { poll, signOut, cookie };
}

describe("the login of a terminal", () => {
  it("is not given any more when the login that allowed it has ended", async () => {
    const world = await startWorld();
    const { poll, signOut } = await allowTerminal(world);

    await signOut();

    expect(await poll()).toMatchObject({ status: 400, body: { error: "access_denied" } });
  });

  it("ends with the login that allowed it", async () => {
    const world = await startWorld();
    const { poll, signOut } = await allowTerminal(world);
    const secret = String((await poll()).body["access_token"]);
    const before = await fetch(`${world.url}/v1/me`, as(secret));

    await signOut();

    expect([before.status, (await fetch(`${world.url}/v1/me`, as(secret))).status]).toEqual([200, 401]);
  });

  it("has groups that are at most as old as those of a login in a browser may be", async () => {
    const world = await startWorld();
    const { poll } = await allowTerminal(world, { afterMs: 7 * HOUR_MS });

    const { body } = await poll();

    expect(body).toMatchObject({ expires_in: expect.closeTo((9 * HOUR_MS) / SECONDS, -1) });
    world.yard.advance(9 * HOUR_MS);
    expect((await fetch(`${world.url}/v1/me`, as(String(body["access_token"])))).status).toBe(401);
  });
});

describe("a bulk operation", () => {
  it("stops when the token that started it is revoked", async () => {
    const yard = startYard();
    const { create, revoke } = useTokens(yard);
    const { id, token } = await create({});
    const stacks = Array.from({ length: 100 }, (_, n) => `web-${n}`);
    await yard.call("/v1/events", {
      body: stacks.map((stackId) => ({ stackId, machine: "review-app", event: "LAUNCH", id: `launch-${stackId}` })),
    });
    yard.run();
    await expect
      .poll(async () => (await yard.json<{ total: number }>("/v1/stack-counts?by=state&state=IDLE")).total, {
        timeout: 20_000,
      })
      .toBe(100);
    await yard.halt();
    const body = { operation: "send", filter: { state: "IDLE" }, body: { event: "DOWN" } };
    const bulk = await yard.json<{ id: string }>("/v1/bulk", { body, ...as(token) });

    await revoke(id);
    yard.run();

    await expect
      .poll(() => yard.json(`/v1/bulk/${bulk.id}`), { timeout: 20_000 })
      .toMatchObject({ status: "cancelled", cancelledBy: "stackyard", cancelReason: expect.stringContaining("ended") });
    const { counts } = await yard.json<{ counts: { skipped?: number } }>(`/v1/bulk/${bulk.id}`);
    expect(counts.skipped).toBeGreaterThanOrEqual(50);
  });
});

const WAITING = `
version: 1
events: [LAUNCH, GO, DOWN]
states:
  INIT: { on: { LAUNCH: [{ action: advance, state: UP }] } }
  UP: { on: { GO: [{ action: advance, state: IDLE }] } }
  IDLE: { on: { DOWN: [{ action: advance, state: GONE }] } }
  GONE: { terminal: true }
tasks: {}
`;

describe("a parked event", () => {
  const EARLY = { stackId: "web-1", event: "DOWN", id: "early" };

  const outcomes = async (yard: TestYard) =>
    (await yard.json<{ items: { outcome: string; code?: string }[] }>("/v1/events/early/history")).items.map(
      ({ outcome, code = "" }) => `${outcome} ${code}`.trim(),
    );

  it.each([
    ["is dead-lettered with the reason when the token that sent it was revoked", true],
    ["is applied while the token that sent it lives", false],
  ])("%s", async (_, isRevoked) => {
    const yard = createTestYard({ source: WAITING });
    open.push(() => yard.stop());
    yard.run();
    const { create, revoke } = useTokens(yard);
    const { id, token } = await create({});
    await yard.call("/v1/events", { body: { stackId: "web-1", machine: "review-app", event: "LAUNCH", id: "e1" } });
    await yard.call("/v1/events", { body: EARLY, ...as(token) });
    await expect.poll(() => outcomes(yard)).toEqual(["parked EVENT_NOT_HANDLED"]);

    if (isRevoked) await revoke(id);
    await yard.call("/v1/events", { body: { stackId: "web-1", event: "GO" } });

    await expect
      .poll(() => outcomes(yard))
      .toEqual(["parked EVENT_NOT_HANDLED", isRevoked ? "dead-lettered CREDENTIAL_ENDED" : "removed"]);
    const { status } = await yard.call("/v1/stacks/web-1");
    expect(status).toBe(isRevoked ? 200 : 404);
    const letters = await yard.json<{ items: { code: string }[] }>("/v1/dead-letters");
    expect(letters.items.map(({ code }) => code)).toEqual(isRevoked ? ["CREDENTIAL_ENDED"] : []);
  });
});

describe("the caller of a credential", () => {
  it("is shown without it", async () => {
    const yard = startYard();
    const { create } = useTokens(yard);
    const { token } = await create({});

    expect(await yard.json<Me>("/v1/me", as(token))).not.toHaveProperty("credential");
  });
});
