import type { ApiToken, NewApiToken } from "@stackyard/core/api";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../testing/eventually.ts";
import { listReads, readWhole } from "../testing/list-reads.ts";
import { createTestYard, type TestYard, type TestYardOptions, TOKEN } from "../testing/test-yard.ts";

/** What users of other tools have reported about derived tokens, default rights, dry runs and ids in bodies. */
const SECRET = "hunter22-of-the-stack";
const SOURCE = `
version: 2
events: [LAUNCH, DEPLOY, DOWN]
metadata:
  password: { type: string, sensitive: true }
  empty: { type: string, sensitive: true }
states:
  INIT: { on: { LAUNCH: IDLE } }
  IDLE: { on: { DEPLOY: IDLE, DOWN: GONE } }
  GONE: { terminal: true }
`;

let yard: TestYard;
afterEach(() => yard.stop());

const as = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } });
const create = (name: string, more: object = {}, secret = TOKEN) =>
  yard.json<NewApiToken>("/v1/tokens", { body: { name, role: "viewer", ...more }, ...as(secret) });
const statusOf = async (path: string, secret: string, body?: object) =>
  (await yard.call(path, { ...as(secret), ...(body && { body }) })).status;
const endsSoon = (secret: string) => eventually(async () => expect(await statusOf("/v1/me", secret)).toBe(401));

async function start(options: TestYardOptions = {}): Promise<void> {
  yard = createTestYard({ source: SOURCE, limits: { outcomeMs: 2_000 }, ...options });
  yard.run();
  for (const stackId of ["web-1", "api-1"]) {
    const metadata = { password: SECRET, empty: "" };
    await yard.call("/v1/events", { body: { stackId, machine: "review-app", event: "LAUNCH", metadata } });
    await eventually(async () => expect(await yard.json(`/v1/stacks/${stackId}`)).toMatchObject({ state: "IDLE" }));
  }
}

describe("a token", () => {
  it("that is revoked gets nothing of what everybody may do without one [argo-cd#5378]", async () => {
    yard = createTestYard({ allowAnonymous: true, tokens: [], host: "127.0.0.1" });
    const ask = (path: string, secret?: string, body?: object) => {
      const headers = { "content-type": "application/json", ...(secret && { authorization: `Bearer ${secret}` }) };
      const init = body === undefined ? { headers } : { headers, method: "POST", body: JSON.stringify(body) };
      return yard.server.app.fetch(new Request(`http://127.0.0.1${path}`, init));
    };
    const created = await ask("/v1/tokens", undefined, { name: "ci", role: "viewer" });
    const made: NewApiToken = JSON.parse(await created.text());
    expect((await ask("/v1/stacks", made.token)).status).toBe(200);

    expect((await ask(`/v1/tokens/${made.id}/revoke`, undefined, {})).status).toBe(200);
    await eventually(async () => expect((await ask("/v1/me", made.token)).status).toBe(401));

    const paths = ["/v1/stacks", "/v1/machines", "/v1/stacks/web-1", "/v1/me"];
    expect(await Promise.all(paths.map(async (path) => (await ask(path, made.token)).status))).toEqual([
      ...paths.map(() => 401),
    ]);
    expect((await ask("/v1/events", made.token, { stackId: "web-1", event: "DEPLOY" })).status).toBe(401);
    expect((await ask("/v1/stacks")).status).toBe(200);
  });

  it("cannot create one that may more than itself, whatever it requests [harbor#18636]", async () => {
    await start();
    const { token } = await create("maker", { role: "operator", stacks: ["web-"] });

    const wanted = [
      { role: "operator" },
      { role: "operator", stacks: ["web"] },
      { role: "operator", stacks: [] },
      { role: "operator", stacks: ["web-", ""] },
      { role: "maintainer", stacks: ["web-"] },
      { role: "operator", stacks: ["web-"], also: ["results"] },
      { role: "operator", stacks: ["web-"], groups: ["managers"] },
      { role: "operator", machines: ["review-app"] },
      { role: "admin", stacks: ["web-"] },
    ];
    const statuses = await Promise.all(wanted.map((body) => statusOf("/v1/tokens", token, { name: "x", ...body })));
    for (const status of statuses) expect([400, 403]).toContain(status);
    expect(await statusOf("/v1/tokens", token, { name: "x", role: "operator", stacks: ["web-1"] })).toBe(201);
  });

  it("whose creator is gone cannot be used, rotated or widened by others [harbor#21026]", async () => {
    await start();
    const a = await create("a", { role: "operator" });
    const b = await create("b", { role: "operator" }, a.token);
    const c = await create("c", {}, b.token);
    await yard.call(`/v1/tokens/${b.id}/revoke`, { body: {} });
    await endsSoon(c.token);

    // By the token that created its creator, by itself, and by an administrator.
    for (const secret of [a.token, c.token, TOKEN]) {
      const response = await yard.call(`/v1/tokens/${c.id}/rotate`, { body: {}, ...as(secret) });
      const made = (await response.json()) as Partial<NewApiToken>;
      expect(await statusOf("/v1/me", made.token ?? c.token)).toBe(401);
    }
    expect(await statusOf("/v1/me", c.token)).toBe(401);
  });

  it("that ended with its creator is listed as ended, and counts as such [vault#4156]", async () => {
    await start();
    const parent = await create("parent");
    const child = await create("child", {}, parent.token);
    await yard.call(`/v1/tokens/${parent.id}/revoke`, { body: {} });
    await endsSoon(child.token);

    const { items } = await yard.json<{ items: ApiToken[] }>("/v1/tokens");
    expect(items.find(({ id }) => id === child.id)).toMatchObject({ status: "revoked", revokedAt: expect.any(String) });
    const response = await yard.call(`/v1/tokens/${child.id}/rotate`, { body: {} });
    expect(response.status).toBe(409);
  });

  it("does not get the grant of a configured token by its name [grafana#94370]", async () => {
    const grants = [
      { to: { token: "tester" }, role: "admin" as const },
      { to: { token: "ci" }, role: "maintainer" as const },
    ];
    const tokens = [
      { name: "tester", token: TOKEN },
      { name: "ci", token: "the-configured-token-of-the-ci" },
    ];
    await start({ access: { grants }, tokens });

    const names = ["ci", "CI", "configured:ci", "ci\u200b", " ci"];
    const made = await Promise.all(names.map((name) => create(name)));
    for (const { token } of made) {
      if (token === undefined) continue;
      expect(await statusOf("/v1/stacks/web-1/remove", token, { force: true, reason: "r" })).toBe(403);
    }
    expect(await yard.json("/v1/stacks/web-1")).toMatchObject({ state: "IDLE" });
  });

  it("has the same scope by every scheme [gitea GHSA-cc8w-r4qh-3v65]", async () => {
    await start();
    const { token } = await create("web", { stacks: ["web-"] });
    const basic = (user: string) => ({ authorization: `Basic ${Buffer.from(`${user}:${token}`).toString("base64")}` });
    const schemes = [
      { authorization: `bearer ${token}` },
      basic("token"),
      basic("web"),
      { cookie: `stackyard=${token}` },
    ];

    const reads = await listReads(yard, { stackId: ["api-1"], name: ["review-app"], hash: [], jobId: [] });
    const plain = reads.map(({ path }) => path).filter((path) => path !== "/v1/watch" && path !== "/v1/stream");
    for (const headers of schemes) {
      const texts = await Promise.all(
        plain.map(async (path) => {
          const text = await (await yard.call(path, { headers: { authorization: "", ...headers } })).text();
          return text.replaceAll(path, "");
        }),
      );
      // The answer about a stack that the caller cannot read names what was requested.
      expect(texts.filter((text) => text.includes('"api-1"'))).toEqual([]);
    }
  });
});

describe("an answer", () => {
  it("to the start of a job that exists shows its config only to those who may read it [rundeck#6629]", async () => {
    await start();
    const body = { executor: "script", config: { say: "canary" }, key: "nightly" };
    await yard.call("/v1/jobs", { body });
    const { token } = await create("web", { role: "maintainer", stacks: ["web-"] });

    const response = await yard.call("/v1/jobs", { body: { ...body, config: {} }, ...as(token) });

    expect(response.status).toBe(403);
    expect(await response.text()).not.toContain("canary");
  });

  it("of a dry run has no sensitive value of a stack [airflow#73255]", async () => {
    await start();
    yard.write(SOURCE.replaceAll("sensitive: true", "sensitive: false"));
    const { token } = await create("m", { role: "maintainer" });
    const bulk = (operation: string, body = {}) => ({
      operation,
      body,
      dryRun: true,
      filter: { machine: "review-app" },
    });
    const calls: readonly (readonly [string, object])[] = [
      ["/v1/stacks/web-1/upgrade", { dryRun: true }],
      ["/v1/machines/review-app/upgrade", { dryRun: true }],
      ["/v1/stacks/web-1/simulate", { event: "DEPLOY" }],
      ["/v1/stacks/web-1/simulate", { event: "DEPLOY", metadata: { password: "other" } }],
      ["/v1/bulk", bulk("upgrade")],
      ["/v1/bulk", bulk("send", { event: "DEPLOY" })],
      ["/v1/bulk", bulk("remove")],
    ];
    for (const [path, body] of calls) {
      const response = await yard.call(path, { body, ...as(token) });

      expect(response.status, path).toBe(200);
      expect(await response.text(), path).not.toContain(SECRET);
    }
  });

  it("is readable where a sensitive value is empty, and masked where one is in it [airflow#16007]", async () => {
    await start();
    const reason = `It uses ${SECRET}, of course.`;
    await yard.call("/v1/stacks/web-1/retry", { body: { reason, id: "r1" } });

    await expect.poll(() => readWhole(yard, "/v1/events/r1/history")).toContain("It uses ***, of course.");
  });
});

describe("an id in the body", () => {
  it("does not choose another stack than the path [grafana#13912]", async () => {
    await start();
    const { token } = await create("web", { role: "maintainer", stacks: ["web-"] });
    const other = { stackId: "api-1", id: "own", machine: "review-app" };
    const calls: readonly (readonly [string, object])[] = [
      ["retry", {}],
      ["acknowledge", {}],
      ["cancel", { task: "t" }],
      ["settle", { task: "t", as: "succeeded", reason: "r" }],
      ["upgrade", {}],
      ["simulate", { event: "DOWN" }],
      ["remove", { force: true, reason: "r" }],
    ];
    for (const [name, body] of calls) {
      const id = `own-${name}`;
      await yard.call(`/v1/stacks/web-1/${name}`, { body: { ...other, ...body, id }, ...as(token) });
      const { items } = await yard.json<{ items: { stackId: string }[] }>(`/v1/events/${id}/history`);
      for (const { stackId } of items) expect(stackId).toBe("web-1");
    }
    expect(await yard.json("/v1/stacks/api-1")).toMatchObject({ state: "IDLE" });
    const { items } = await yard.json<{ items: object[] }>("/v1/stacks/api-1/history");
    expect(items).toHaveLength(1);
  });
});
