import type { StackDetails, StackPreview } from "@stackyard/core/api";
import { linkPreview, notePullFault, type PreviewLink } from "@stackyard/core/services";
import { aPut } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "./testing/eventually.ts";
import { startLoginWorld } from "./testing/login-world.ts";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const pull = {
  host: "github",
  repository: { id: "424242", fullName: "acme/web" },
  number: 7,
  url: "https://github.com/acme/web/pull/7",
  title: "Add a cart",
  head: "1".repeat(40),
  owner: "octocat",
};

function link(on: TestYard, over: Partial<PreviewLink>) {
  return linkPreview({ records: on.store.records, clock: on.clock }, { stackId: "web-7", ...pull, ...over });
}

describe("previews", () => {
  let yard: TestYard;
  const list = async (query = "") => yard.json<{ items: StackPreview[] }>(`/v1/previews${query}`);

  beforeAll(async () => {
    yard = createTestYard();
    yard.run();
    const metadata = {
      url: "https://web-7.example.org",
      monthly_cost: 12.5,
      expires_at: "2026-12-01T00:00:00Z",
      drifted: true,
    };
    const launch = { event: "LAUNCH", machine: "review-app" };
    const body = [
      { ...launch, stackId: "web-7", metadata },
      {
        ...launch,
        stackId: "web-8",
        metadata: { url: 7, drifted: "yes", expires_at: 1_796_083_200_000, monthly_cost: "12" },
      },
      { ...launch, stackId: "shared" },
    ];
    await yard.call("/v1/events", { body });
    for (const { stackId } of body) {
      await eventually(async () => expect(await yard.json(`/v1/stacks/${stackId}`)).toMatchObject({ state: "IDLE" }));
    }
    await link(yard, { commands: { down: { event: "DOWN", metadata: {} } } });
    await link(yard, { stackId: "web-8", number: 8, owner: "hubot" });
    await link(yard, { stackId: "web-9", number: 9 });
  });
  afterAll(() => yard.stop());

  it("are named by their stacks; not by a stack of another machine with the same id, and not where the link is damaged", async () => {
    const get = (id: string) => yard.json<StackDetails>(`/v1/stacks/${id}`);

    expect((await get("web-7")).pull).toEqual(pull);
    expect((await get("shared")).pull).toBeUndefined();
    await link(yard, { stackId: "shared", machine: "another" });
    expect((await get("shared")).pull).toBeUndefined();
    const [key, now, { records }] = ["previews/links/shared", yard.clock.now(), yard.store];
    const expected = (await records.get(key, now))?.version ?? 0;
    await records.put({ key, value: { stackId: 7 }, expected, now });
    expect(await get("shared")).not.toHaveProperty("pull");
    await records.remove(key, expected + 1);
  });

  it("show pull request, state, cost, expiry and drift of stacks that exist", async () => {
    const { items } = await list();

    expect(items.map(({ stackId }) => stackId)).toEqual(["web-7", "web-8"]);
    expect(items[0]).toEqual({
      stackId: "web-7",
      pull,
      machine: "review-app",
      state: "IDLE",
      enteredAt: expect.any(String),
      mainCondition: "healthy",
      waiting: { summary: expect.stringContaining("DEPLOY"), waitsFor: expect.anything() },
      url: "https://web-7.example.org",
      monthlyCost: 12.5,
      expiresAt: "2026-12-01T00:00:00Z",
      drifted: true,
      commands: { down: { event: "DOWN", metadata: {} } },
    });
    // Metadata of another type is not a fact of a preview.
    expect(items[1]).not.toHaveProperty("url");
    expect(items[1]).not.toHaveProperty("monthlyCost");
    expect(items[1]).toHaveProperty("expiresAt", "2026-12-01T00:00:00.000Z");
    expect(items[1]).not.toHaveProperty("drifted");
  });

  it.each([
    ["?owner=hubot", ["web-8"]],
    ["?number=7", ["web-7"]],
    ["?repository=acme%2Fweb&state=IDLE", ["web-7", "web-8"]],
    ["?repository=424242", ["web-7", "web-8"]],
    ["?repository=acme%2Fother", []],
    ["?state=UP", []],
    ["?condition=failed", []],
    ["?text=8", ["web-8"]],
  ])("are filtered by %s", async (query, ids) => {
    expect((await list(query)).items.map(({ stackId }) => stackId)).toEqual(ids);
  });

  it("come in pages", async () => {
    const ids: string[] = [];
    let query = "?limit=1";
    for (let pages = 0; pages < 4 && query !== ""; pages++) {
      const page: { items: StackPreview[]; cursor?: string } = await list(query);
      ids.push(...page.items.map(({ stackId }) => stackId));
      query = page.cursor === undefined ? "" : `?limit=1&cursor=${encodeURIComponent(page.cursor)}`;
    }

    expect(ids).toEqual(["web-7", "web-8"]);
  });

  it("say apart what does not exist and what is of no pull request", async () => {
    expect(await yard.json("/v1/previews/web-7")).toMatchObject({ stackId: "web-7", state: "IDLE" });
    expect(await yard.json("/v1/previews/web-9")).toMatchObject({ status: 404, code: "STACK_UNKNOWN" });
    expect(await yard.json("/v1/previews/shared")).toMatchObject({ status: 404, code: "NOT_FOUND" });
  });

  it.each(["hook", "job"] as const)("that a %s has linked are not linked by other callers", async (by) => {
    await link(yard, { stackId: "shared", by });

    const body = { ...pull, head: "2".repeat(40) };
    const put = await yard.call("/v1/previews/shared/link", { method: "PUT", body });

    expect(put.status).toBe(403);
    expect(await yard.json("/v1/previews/shared")).toMatchObject({ pull });
  });

  it("are linked by anyone who may send, and keep their commands", async () => {
    const put = (stackId: string, body: object) => yard.call(`/v1/previews/${stackId}/link`, { method: "PUT", body });

    const linked = await put("web-7", { ...pull, head: "2".repeat(40) });
    const wrong = await put("web-7", { ...pull, head: "main" });
    const unknown = await put("web-7", { ...pull, stackId: "web-8" });
    const named = await put("web-7", { ...pull, machine: "review-app" });
    const absent = await put("web-99", pull);

    expect([linked.status, wrong.status, unknown.status, named.status, absent.status]).toEqual([
      200, 400, 400, 400, 404,
    ]);
    expect(await yard.json("/v1/previews/web-7")).toMatchObject({
      pull: { head: "2".repeat(40) },
      commands: { down: { event: "DOWN" } },
    });
  });
});

describe("previews whose pull requests cannot be read", () => {
  it("are listed in pages, by the same filters, and only those that the caller may read", async () => {
    const grants = [
      { to: { token: "shop" }, role: "viewer" as const, stacks: ["shop-"] },
      { to: { token: "all" }, role: "viewer" as const },
    ];
    const tokens = [
      { name: "shop", token: "a-token-of-the-shop" },
      { name: "all", token: "a-token-of-everybody" },
    ];
    const yard = createTestYard({ tokens, access: { grants } });
    const { url } = await yard.server.start();
    const records = { records: yard.store.records, clock: yard.clock };
    const ids = ["shop-1", "shop-2", "shop-3", "web-1", "web-2"];
    await yard.store.commit(ids.map((id) => aPut({ id, machine: "review-app" })));
    for (const [index, stackId] of [...ids, "gone-1"].entries()) {
      await link(yard, { stackId, number: index + 1, owner: index % 2 === 0 ? "octocat" : "hubot" });
      const reason = `${stackId} is not there.`;
      if (stackId !== "shop-2") await notePullFault(records, { stackId, kind: "unreadable", reason });
    }
    const list = async (query: string, token = "a-token-of-everybody") => {
      const headers = { authorization: `Bearer ${token}` };
      const answer = await fetch(`${url}/v1/previews?${query}`, { headers });
      return (await answer.json()) as { items: StackPreview[]; cursor?: string };
    };
    const listIds = async (query: string, token?: string) =>
      (await list(query, token)).items.map(({ stackId }) => stackId);

    const { items } = await list("faulty=true");
    const paged: string[] = [];
    for (let cursor: string | undefined = "", pages = 0; cursor !== undefined && pages < 9; pages++) {
      const page: Awaited<ReturnType<typeof list>> = await list(
        `faulty=true&limit=1${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      paged.push(...page.items.map(({ stackId }) => stackId));
      ({ cursor } = page);
    }

    expect(items.map(({ stackId, pull, fault }) => [stackId, pull.number, fault])).toEqual(
      [
        ["shop-1", 1],
        ["shop-3", 3],
        ["web-1", 4],
        ["web-2", 5],
      ].map(([id, number]) => [
        id,
        number,
        { kind: "unreadable", since: expect.any(String), reason: `${id} is not there.` },
      ]),
    );
    expect(paged).toEqual(["shop-1", "shop-3", "web-1", "web-2"]);
    expect(await listIds("faulty=true&owner=hubot")).toEqual(["web-1"]);
    expect(await listIds("faulty=true&text=shop")).toEqual(["shop-1", "shop-3"]);
    expect(await listIds("faulty=true", "a-token-of-the-shop")).toEqual(["shop-1", "shop-3"]);
    expect(await listIds("faulty=false")).toEqual(ids);
    await notePullFault(records, { stackId: "gone-1", kind: "refused", reason: "OPENED was refused." });
    expect(await listIds("limit=10")).toEqual(["gone-1", ...ids]);
    expect(await listIds("state=LIVE")).not.toContain("gone-1");
    expect(await listIds("faulty=true", "a-token-of-the-shop")).toEqual(["shop-1", "shop-3"]);
    expect(await list("faulty=yes")).toMatchObject({ status: 400, code: "USAGE" });
    await yard.server.stop();
    await yard.stop();
  });
});

describe("the link of a job", () => {
  it("is only for the repository of its token, at the host of its own name", async () => {
    const claims = { repository_owner_id: "1" };
    const world = await startLoginWorld({
      access: {
        workloads: [{ name: "github", issuer: "" }],
        grants: [{ to: { workload: "github", claims }, role: "operator", machines: ["review-app"] }],
      },
    });
    const token = async (repository_id: string) => {
      const iat = Math.floor(Date.now() / 1_000);
      const job = { aud: world.url, sub: "job", iat, exp: iat + 300, repository_id };
      const subject_token = await world.issuer.sign({ ...job, ...claims });
      const grant_type = "urn:ietf:params:oauth:grant-type:token-exchange";
      const subject_token_type = "urn:ietf:params:oauth:token-type:jwt";
      const body = new URLSearchParams({ grant_type, subject_token, subject_token_type });
      const answer = await fetch(`${world.url}/auth/token`, { method: "POST", body });
      return ((await answer.json()) as { access_token: string }).access_token;
    };
    const put = async (secret: string, over: object = {}, stackId = "web-7") => {
      const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" };
      const body = JSON.stringify({ ...pull, ...over });
      return (await fetch(`${world.url}/v1/previews/${stackId}/link`, { method: "PUT", headers, body })).status;
    };
    const [own, other] = [await token("424242"), await token("5")];

    const early = [await put(own), await put(own, { host: "gitlab" })];
    await world.yard.store.commit([
      aPut({ id: "web-7", machine: "review-app" }),
      aPut({ id: "db-1", machine: "database" }),
    ]);
    const statuses = [
      ...early,
      await put(own, {}, "db-1"),
      await put(own, { host: "gitlab" }),
      await put(own, { repository: { id: "5", fullName: "acme/web" } }),
      await put(own),
      await put(own),
      // It would take the stack of another repository for its own.
      await put(other, { repository: { id: "5", fullName: "acme/other" } }),
    ];

    expect(statuses).toEqual([404, 403, 404, 403, 403, 200, 200, 403]);
    await world.stop();
  });
});
