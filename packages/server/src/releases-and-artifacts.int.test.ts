import { CUSTOM_RESOURCE_RUNS, RELEASE_PLACES, type Records } from "@stackyard/core";
import type { ArtifactConsumer, ArtifactCoverage, CustomResourceRun, ReleasePlace } from "@stackyard/core/api";
import { createMemoryStore } from "@stackyard/core/engine";
import { afterEach, describe, expect, it } from "vitest";
import type { ArtifactsClient } from "./server-options.ts";
import { fakeArtifacts } from "./testing/fake-artifacts.ts";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

interface Page<Item> {
  readonly items: readonly Item[];
  readonly cursor?: string;
  readonly unreadable?: readonly { readonly id: string }[];
}

const VIEWER = { name: "grafana", token: "a-token-of-grafana" };
const OF_WEB = { name: "web-team", token: "a-token-of-the-web-team" };
const GRANTS = [
  { to: { token: "tester" }, role: "admin" as const },
  { to: { token: VIEWER.name }, role: "viewer" as const },
  { to: { token: OF_WEB.name }, role: "operator" as const, stacks: ["web-"] },
];
const PLACE = { account: "111122223333", region: "eu-west-1" };
const VERSION = { name: "app", version: "1" };

let yard: TestYard;
afterEach(() => yard.stop());

const as = ({ token }: { readonly token: string }) => ({ headers: { authorization: `Bearer ${token}` } });

/** A yard with people who may read everything, and who may operate some stacks. */
function createGrantedYard(artifacts: ArtifactsClient = fakeArtifacts, customResources?: Records): TestYard {
  return createTestYard({
    tokens: [{ name: "tester", token: "a-token-of-the-tests" }, VIEWER, OF_WEB],
    access: { grants: GRANTS },
    deps: { artifacts, customResources },
  });
}

async function problemOf(path: string, init?: Parameters<TestYard["call"]>[1]) {
  const response = await yard.call(path, init);
  const { code } = (await response.json()) as { readonly code?: string };
  return [response.status, code];
}

describe("GET /v1/releases/places", () => {
  const aPlace = (project: string): ReleasePlace => ({
    ...PLACE,
    project,
    config: "production",
    running: { releaseId: "r-1", since: "2026-01-01T00:00:00.000Z", stackId: "run-1" },
    updatedAt: "2026-01-01T00:00:00.000Z",
  });
  const put = (key: string, value: unknown) =>
    yard.store.records.put({ key: `${RELEASE_PLACES}${key}`, value, expected: "absent", now: Date.now() });

  it("lists what runs where, page by page", async () => {
    yard = createGrantedYard();
    for (const project of ["a", "b", "c"]) await put(project, aPlace(project));

    const first = await yard.json<Page<ReleasePlace>>("/v1/releases/places?limit=2");
    const second = await yard.json<Page<ReleasePlace>>(
      `/v1/releases/places?limit=2&cursor=${encodeURIComponent(first.cursor ?? "")}`,
    );

    expect(first).toEqual({ items: [aPlace("a"), aPlace("b")], cursor: expect.any(String) });
    expect(second).toEqual({ items: [aPlace("c")] });
  });

  it("shows nothing to those who do not read all jobs", async () => {
    yard = createGrantedYard();
    await put("a", aPlace("a"));

    const pages = [
      await yard.json<Page<ReleasePlace>>("/v1/releases/places", as(VIEWER)),
      await yard.json<Page<ReleasePlace>>("/v1/releases/places", as(OF_WEB)),
    ];

    expect(pages.map(({ items }) => items.length)).toEqual([1, 0]);
  });

  it("names a record that it cannot read, and shows the others", async () => {
    yard = createGrantedYard();
    await put("a", { ...aPlace("a"), account: 7 });
    await put("b", aPlace("b"));

    const { items, unreadable } = await yard.json<Page<ReleasePlace>>("/v1/releases/places");

    expect(items).toEqual([aPlace("b")]);
    expect(unreadable).toMatchObject([{ id: `${RELEASE_PLACES}a` }]);
  });

  it.each(["limit=0", "limit=1001", "project=a"])("rejects %s", async (query) => {
    yard = createGrantedYard();

    expect(await problemOf(`/v1/releases/places?${query}`)).toEqual([400, "USAGE"]);
  });
});

describe("/v1/custom-resources", () => {
  const aRun = (id: string): CustomResourceRun => ({
    id,
    requestId: "r-1",
    requestType: "Create",
    stackId: "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/1",
    logicalId: "Migration",
    resourceId: "0123456789abcdef0123456789abcdef",
    taskArns: [],
    receivedAt: "2026-01-01T00:00:00.000Z",
  });
  const { records } = createMemoryStore();
  const put = (id: string, value: unknown) =>
    records.put({ key: `${CUSTOM_RESOURCE_RUNS}${id}`, value, expected: "absent", now: Date.now() });

  it("lists requests of the configured table page by page, and returns one", async () => {
    yard = createGrantedYard(fakeArtifacts, records);
    for (const id of ["1-a", "2-b", "3-c"]) await put(id, aRun(id));
    await put("4-d", { ...aRun("4-d"), logicalId: 7 });

    const first = await yard.json<Page<CustomResourceRun>>("/v1/custom-resources?limit=2", as(VIEWER));
    const second = await yard.json<Page<CustomResourceRun>>(
      `/v1/custom-resources?cursor=${encodeURIComponent(first.cursor ?? "")}`,
      as(VIEWER),
    );

    expect(first).toMatchObject({ items: [aRun("1-a"), aRun("2-b")], cursor: expect.any(String) });
    expect(second).toMatchObject({ items: [aRun("3-c")], unreadable: [{ id: `${CUSTOM_RESOURCE_RUNS}4-d` }] });
    expect(await yard.json("/v1/custom-resources/2-b")).toMatchObject(aRun("2-b"));
    expect(await problemOf("/v1/custom-resources/9-z")).toEqual([404, "NOT_FOUND"]);
  });

  it("names the stack that asked, with its page in the console of AWS", async () => {
    yard = createGrantedYard(fakeArtifacts, records);
    const odd = { ...aRun("5-e"), stackId: "https://evil.example.org/" };
    await put("5-e", odd);

    const { startedBy } = await yard.json<CustomResourceRun>("/v1/custom-resources/2-b");

    expect(startedBy).toMatchObject({ stack: "shop", account: "111122223333", region: "eu-west-1" });
    expect(startedBy?.consoleUrl).toMatch(/^https:\/\/eu-west-1\.console\.aws\.amazon\.com\/cloudformation\//);
    expect(await yard.json("/v1/custom-resources/5-e")).toEqual({
      ...odd,
      startedBy: { kind: "cloudformation", arn: odd.stackId },
    });
  });

  it("is refused to those who read only some stacks", async () => {
    yard = createGrantedYard(fakeArtifacts, records);

    expect(await problemOf("/v1/custom-resources", as(OF_WEB))).toEqual([403, "FORBIDDEN"]);
  });

  it("says what to configure without a table", async () => {
    yard = createGrantedYard();

    expect(await problemOf("/v1/custom-resources")).toEqual([404, "NOT_CONFIGURED"]);
  });
});

describe("artifacts", () => {
  it("are listed page by page, with the filters passed on", async () => {
    const asked: unknown[] = [];
    const coverage: ArtifactsClient["coverage"] = (query) => {
      asked.push(query);
      return fakeArtifacts.coverage(query);
    };
    yard = createGrantedYard({ ...fakeArtifacts, coverage });
    const path = "/v1/artifacts/coverage?name=app&version=2&account=111122223333&region=eu-west-1&limit=1";

    const first = await yard.json<Page<ArtifactCoverage>>(path);
    const second = await yard.json<Page<ArtifactCoverage>>(`${path}&cursor=${first.cursor}`);

    expect([first, second].map(({ items, cursor }) => [items[0]?.version, cursor])).toEqual([
      ["2", expect.any(String)],
      ["1", undefined],
    ]);
    const filters = { name: "app", version: "2", ...PLACE, limit: 1 };
    expect(asked).toEqual([filters, { ...filters, cursor: "next" }]);
  });

  it.each(["account=1", "limit=0", "name=", "status=failed"])("rejects the filter %s", async (query) => {
    yard = createGrantedYard();

    expect(await problemOf(`/v1/artifacts/coverage?${query}`)).toEqual([400, "USAGE"]);
  });

  it("are announced again by those who may operate the yard, with a line in the audit", async () => {
    yard = createGrantedYard();

    expect(await yard.json("/v1/artifacts/refresh", { body: { ...VERSION, ...PLACE } })).toEqual({
      files: 1,
      messages: 1,
    });
    expect(await yard.json("/v1/artifacts/replay", { body: PLACE })).toMatchObject({ startedAt: expect.any(String) });
    const { items } = await yard.store.records.list("audit/pending/", { limit: 100, now: Date.now() });
    expect(items.map(({ value }) => value)).toMatchObject([
      { action: "refreshArtifact", outcome: "begun", reason: "app 1 111122223333 eu-west-1" },
      { action: "refreshArtifact" },
      { action: "replayArtifacts", outcome: "begun", reason: "111122223333 eu-west-1" },
      { action: "replayArtifacts" },
    ]);
  });

  it("are not announced by those who only read, or operate some stacks", async () => {
    const announced: unknown[] = [];
    const refresh: ArtifactsClient["refresh"] = (query) => {
      announced.push(query);
      return fakeArtifacts.refresh(query);
    };
    yard = createGrantedYard({ ...fakeArtifacts, refresh });

    for (const who of [VIEWER, OF_WEB]) {
      expect(await problemOf("/v1/artifacts/refresh", { ...as(who), body: VERSION })).toEqual([403, "FORBIDDEN"]);
      expect(await problemOf("/v1/artifacts/replay", { ...as(who), body: PLACE })).toEqual([403, "FORBIDDEN"]);
    }
    expect(await problemOf("/v1/artifacts/coverage", as(VIEWER))).toEqual([200, undefined]);
    expect(await problemOf("/v1/artifacts/coverage", as(OF_WEB))).toEqual([403, "FORBIDDEN"]);
    expect(await problemOf("/v1/consumers", as(OF_WEB))).toEqual([403, "FORBIDDEN"]);
    expect(announced).toEqual([]);
  });

  it.each([
    ["refresh", { name: "app" }],
    ["refresh", { ...VERSION, account: "1" }],
    ["refresh", { ...VERSION, everywhere: true }],
    ["replay", { account: PLACE.account }],
    ["replay", { ...PLACE, since: "yesterday" }],
  ])("%s rejects %j", async (what, body) => {
    yard = createGrantedYard();

    expect(await problemOf(`/v1/artifacts/${what}`, { body })).toEqual([400, "USAGE"]);
  });

  it("have consumers", async () => {
    yard = createGrantedYard();

    const { items } = await yard.json<Page<ArtifactConsumer>>("/v1/consumers", as(VIEWER));

    expect(items).toMatchObject([{ ...PLACE, generation: "v2" }]);
  });

  it.each([
    ["/v1/artifacts/coverage", undefined],
    ["/v1/consumers", undefined],
    ["/v1/artifacts/refresh", VERSION],
    ["/v1/artifacts/replay", PLACE],
  ])("need a distributor: %s", async (path, body) => {
    yard = createTestYard();

    const problem = await yard.json<{ code: string; details: { hint: string } }>(path, body && { body });

    expect(problem).toMatchObject({
      status: 404,
      code: "NOT_CONFIGURED",
      details: { hint: expect.stringContaining("STACKYARD_DISTRIBUTOR") },
    });
  });
});

describe("GET /v1/me", () => {
  it("says whether the yard has a distributor of artifacts", async () => {
    yard = createTestYard({ deps: { artifacts: fakeArtifacts } });
    expect(await yard.json("/v1/me")).toMatchObject({ artifacts: true });
    await yard.stop();

    yard = createTestYard();
    expect(await yard.json("/v1/me")).not.toHaveProperty("artifacts");
  });
});

describe("GET /v1/yard", () => {
  it("names AWS accounts as the options do, and none without them", async () => {
    const accounts = { [PLACE.account]: "shop-prod" };
    yard = createTestYard({ accounts });
    expect(await yard.json("/v1/yard")).toMatchObject({ accounts });
    await yard.stop();

    yard = createTestYard();
    expect(await yard.json("/v1/yard")).not.toHaveProperty("accounts");
  });

  it("names the yard, as it does to those who may not read it", async () => {
    yard = createTestYard({ yardName: "eu-prod" });
    expect(await yard.json("/v1/yard")).toMatchObject({ name: "eu-prod" });
    expect(await yard.json("/v1/me")).toMatchObject({ yard: "eu-prod" });
    await yard.stop();

    yard = createTestYard();
    expect(await yard.json("/v1/yard")).not.toHaveProperty("name");
    expect(await yard.json("/v1/me")).not.toHaveProperty("yard");
  });
});
