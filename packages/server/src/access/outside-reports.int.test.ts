import { EXTRA_PERMISSIONS } from "@stackyard/core/access";
import type { NewApiToken } from "@stackyard/core/api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard } from "../testing/test-yard.ts";

/** What users of other tools have reported about rights, tokens and audit logs; the numbers are those of the reports. */
let yard: TestYard;

const create = (name: string, more: object = {}, secret?: string) =>
  yard.json<NewApiToken>("/v1/tokens", { body: { name, role: "viewer", ...more }, ...(secret && as(secret)) });
const as = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } });
const statusOf = async (path: string, secret: string, body?: object) =>
  (await yard.call(path, { ...as(secret), ...(body && { body }) })).status;

interface Line {
  readonly action: string;
  readonly outcome: string;
  readonly who: { readonly id: string; readonly name: string };
  readonly on: Readonly<Record<string, unknown>>;
}

async function listLines(): Promise<readonly Line[]> {
  const prefixes = ["audit/pending/", "audit/log/"];
  const pages = await Promise.all(
    prefixes.map((prefix) => yard.store.records.list(prefix, { limit: 1_000, now: yard.clock.now() })),
  );
  return pages.flatMap(({ items }) =>
    items.map(({ value }) => (typeof value === "string" ? JSON.parse(value) : value)),
  );
}

beforeEach(async () => {
  yard = createTestYard();
  yard.run();
  for (const stackId of ["web-1", "api-1"]) {
    await yard.call("/v1/events", { body: { stackId, machine: "review-app", event: "LAUNCH", id: `l-${stackId}` } });
    await expect.poll(() => yard.json(`/v1/stacks/${stackId}`)).toMatchObject({ state: "IDLE" });
  }
});
afterEach(() => yard.stop());

describe("rights", () => {
  it("hold for what is read by its id, as in lists [rundeck#472]", async () => {
    const { jobId } = await yard.json<{ jobId: string }>("/v1/jobs", { body: { executor: "script", config: {} } });
    const [attempt] = await yard.store.queries.listAttempts("api-1");
    const { token } = await create("web", { stacks: ["web-"] });
    const id = encodeURIComponent(attempt?.attemptId ?? "");

    const paths = [
      `runs/${jobId}`,
      `runs/${jobId}/report`,
      `attempts/${id}/log`,
      "stacks/api-1",
      "stacks/api-1/bundle",
    ];
    const statuses = await Promise.all(paths.map((path) => statusOf(`/v1/${path}`, token)));
    expect(statuses).toEqual(paths.map(() => 404));
    expect(await yard.json("/v1/events/l-api-1/history", as(token))).toMatchObject({ items: [] });
  });

  it("hold for every list [rundeck-cli#52]", async () => {
    const { token } = await create("web", { stacks: ["web-"] });

    const paths = ["stacks", "history", "dead-letters", "parked", "attempts", "runs", "approvals", "previews"];
    const texts = await Promise.all(paths.map(async (path) => (await yard.call(`/v1/${path}`, as(token))).text()));
    expect(texts.join()).toContain("web-1");
    expect(texts.join()).not.toContain("api-1");
  });

  it("of each kind can be given to a token, and are shown [argo-cd#9783]", async () => {
    const admin = await yard.call("/v1/tokens", { body: { name: "a", role: "viewer", also: EXTRA_PERMISSIONS } });
    const given = EXTRA_PERMISSIONS.filter((each) => each !== "secrets:read");
    const { token } = await create("all", { also: given });

    // The configured token may not reveal sensitive values, and so gives no one the right to.
    expect(admin.status).toBe(403);
    expect(await yard.json("/v1/me", as(token))).toMatchObject({
      rights: [{ permissions: expect.arrayContaining([...given]) }],
    });
  });

  it("do not follow from a name in the message [rundeck#341]", async () => {
    const { token, id } = await create("ci", { role: "operator" });
    const sender = { kind: "person", id: "root", name: "root", groups: ["admins"] };
    const body = { stackId: "web-1", event: "DEPLOY", id: "d1", actor: "root", sender, asUser: "root", runAs: "root" };

    await yard.call("/v1/events", { body, ...as(token) });

    await expect
      .poll(() => yard.json("/v1/events/d1/history"))
      .toMatchObject({ items: [{ actor: "ci", outcome: "applied" }] });
    const about = (await listLines()).filter(({ on }) => on["eventId"] === "d1");
    for (const { who } of about) expect(who).toMatchObject({ id, name: "ci" });
  });
});

describe("the audit log", () => {
  it("says who was denied, and what [vault#2741]", async () => {
    const { token, id } = await create("curious");

    expect(await statusOf("/v1/stacks/web-1/remove", token, { force: true, reason: "r" })).toBe(403);

    await expect
      .poll(async () => (await listLines()).filter(({ action }) => action === "denied"))
      .toMatchObject([{ outcome: "denied", who: { id, name: "curious" } }]);
    expect(JSON.stringify(await listLines())).not.toContain(token);
  });

  it("has requests with wrong credentials too, without them [elasticsearch#83304, substrate#1582]", async () => {
    const secret = `syt_${"x".repeat(49)}`;

    expect(await statusOf("/v1/stacks", secret)).toBe(401);

    await expect.poll(async () => (await listLines()).filter(({ action }) => action === "denied")).toHaveLength(1);
    expect(JSON.stringify(await listLines())).not.toContain("xxxx");
  });

  it("has each change of a token [nextcloud#27355, nav#1676]", async () => {
    const { id } = await create("ci");
    await yard.call(`/v1/tokens/${id}/rotate`, { body: {} });
    await yard.call(`/v1/tokens/${id}/revoke`, { body: {} });

    const actions = (await listLines()).filter(({ on }) => on["tokenId"] === id).map(({ action }) => action);
    expect([...new Set(actions)]).toEqual(["createToken", "rotateToken", "revokeToken"]);
  });
});

describe("a revoked token", () => {
  it("is refused from then on, also while others look it up [keygen-api#651, ente#12071]", async () => {
    const { token, id } = await create("ci");
    let isOver = false;
    const readers = Array.from({ length: 8 }, async () => {
      while (!isOver) await statusOf("/v1/stacks", token);
    });

    await yard.call(`/v1/tokens/${id}/revoke`, { body: {} });
    const after = await Promise.all(Array.from({ length: 50 }, () => statusOf("/v1/stacks", token)));
    isOver = true;
    await Promise.all(readers);

    expect(new Set(after)).toEqual(new Set([401]));
  });

  it("takes with it what it has issued [ferriskey#1232]", async () => {
    const parent = await create("parent");
    const child = await create("child", {}, parent.token);
    const grandchild = await create("grandchild", {}, child.token);
    expect(await statusOf("/v1/stacks", grandchild.token)).toBe(200);

    await yard.call(`/v1/tokens/${parent.id}/revoke`, { body: {} });

    await expect.poll(() => statusOf("/v1/stacks", child.token)).toBe(401);
    await expect.poll(() => statusOf("/v1/stacks", grandchild.token)).toBe(401);
  });
});
