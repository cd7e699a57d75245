import { aPut } from "@stackyard/core/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimAttempt } from "./testing/claim-attempt.ts";
import { createTestYard, REVIEW_APP, type TestYard } from "./testing/test-yard.ts";

interface Page<Item> {
  readonly items: readonly Item[];
  readonly cursor?: string;
}

type Listed = Page<{ readonly id: string }>;

const HASH = "a".repeat(64);
const T0 = Date.UTC(2026, 0, 1);

let yard: TestYard;
beforeEach(() => {
  yard = createTestYard();
});
afterEach(() => yard.stop());

async function listIds(query: string): Promise<readonly string[]> {
  return (await yard.json<Listed>(`/v1/stacks?${query}`)).items.map(({ id }) => id);
}

async function refusalOf(path: string) {
  const response = await yard.call(path);
  const { code, detail } = (await response.json()) as { readonly code: string; readonly detail: string };
  return { refusal: [response.status, code], detail };
}

async function putStacks(): Promise<void> {
  const stacks = [
    { id: "web-1", metadata: { branch: "main", slot: 1 }, updatedAt: T0 + 3, tasks: [{ name: "t", status: "ERROR" }] },
    { id: "web-2", metadata: { branch: "dev" }, updatedAt: T0 + 1, machineHash: HASH },
    { id: "api-1", machine: "api", metadata: { branch: "main" }, updatedAt: T0 + 2 },
  ] as const;
  for (const stack of stacks) await yard.store.commit([aPut(stack)]);
}

const WITH_PASSWORD = `
version: 2
metadata: { password: { sensitive: true } }
events: { LAUNCH: { metadata: [password] } }
states: { INIT: { on: { LAUNCH: UP } }, UP: {} }
`;

const toMetadata = (value: unknown) => `metadata=${encodeURIComponent(JSON.stringify(value))}`;

describe("the list of stacks", () => {
  it("is filtered by revision, text in the id and metadata", async () => {
    await putStacks();

    expect(await listIds(`revision=${HASH}`)).toEqual(["web-2"]);
    expect(await listIds("text=-1")).toEqual(["api-1", "web-1"]);
    expect(await listIds(toMetadata({ branch: "main" }))).toEqual(["api-1", "web-1"]);
    expect(await listIds(toMetadata({ branch: "main", slot: 1 }))).toEqual(["web-1"]);
    expect(await listIds(`${toMetadata({ branch: "main" })}&machine=api&text=api`)).toEqual(["api-1"]);
  });

  it("leaves out jobs, or has only them, as its counts do (rundeck#1234)", async () => {
    await putStacks();
    await yard.store.commit([aPut({ id: "run-1", machine: "stackyard.run", state: "FAILED" })]);

    expect(await listIds("jobs=false")).toEqual(["api-1", "web-1", "web-2"]);
    expect(await listIds("jobs=true")).toEqual(["run-1"]);
    expect(await yard.json("/v1/stack-counts?jobs=false")).toMatchObject({ total: 3 });
    expect(await yard.json("/v1/stack-counts?jobs=true&by=machine")).toMatchObject({ total: 1 });
  });

  it("is sorted over pages whose cursors belong to one order", async () => {
    await putStacks();

    expect(await listIds("sort=-updatedAt")).toEqual(["web-1", "api-1", "web-2"]);
    const { items, cursor = "" } = await yard.json<Listed>("/v1/stacks?sort=-updatedAt&limit=1");
    const rest = `cursor=${encodeURIComponent(cursor)}`;

    expect(items.map(({ id }) => id)).toEqual(["web-1"]);
    expect(await listIds(`sort=-updatedAt&${rest}`)).toEqual(["api-1", "web-2"]);
    expect(await refusalOf(`/v1/stacks?sort=updatedAt&${rest}`)).toMatchObject({ refusal: [400, "USAGE"] });
    expect(await refusalOf("/v1/stacks?sort=name")).toMatchObject({ refusal: [400, "USAGE"] });
  });

  it.each([
    ["not JSON", "{]", "query/metadata is not JSON."],
    ["no object", "[1]", "not a JSON object"],
    ["values that are objects", '{"a":{}}', "metadata/a"],
    ["six keys", '{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}', "at most 5"],
    ["a prototype", '{"__proto__":1}', 'query/metadata has a key "__proto__".'],
  ])("refuses metadata that is %s", async (_, text, told) => {
    expect(await refusalOf(`/v1/stacks?metadata=${encodeURIComponent(text)}`)).toEqual({
      refusal: [400, "USAGE"],
      detail: expect.stringContaining(told),
    });
  });

  it("refuses to be searched by a sensitive key of a machine, whatever its value", async () => {
    await yard.stop();
    yard = createTestYard({ source: WITH_PASSWORD });
    expect((await yard.json<{ status: string }>("/v1/machines/review-app")).status).toBe("valid");

    for (const path of ["/v1/stacks", "/v1/stack-counts", "/v1/stacks?machine=review-app"]) {
      const query = toMetadata({ password: "guess" });
      const refusal = await refusalOf(`${path}${path.includes("?") ? "&" : "?"}${query}`);
      expect(refusal).toMatchObject({ refusal: [400, "USAGE"] });
      expect(refusal.detail).toContain("is sensitive in a machine");
      expect(refusal.detail).not.toContain("guess");
    }
    expect(await listIds(`${toMetadata({ password: "guess" })}&machine=other`)).toEqual([]);
    const filter = { metadata: { password: "guess" } };
    const body = { operation: "retry", filter, dryRun: true };
    const response = await yard.call("/v1/bulk", { body });
    expect([response.status, await response.json()]).toEqual([400, expect.objectContaining({ code: "USAGE" })]);
  });
});

describe("the counts of stacks", () => {
  it("are those of the filter, in groups", async () => {
    await putStacks();

    expect(await yard.json("/v1/stack-counts?by=machine")).toEqual({
      total: 3,
      groups: [
        { machine: "web", count: 2 },
        { machine: "api", count: 1 },
      ],
    });
    expect(await yard.json(`/v1/stack-counts?${toMetadata({ branch: "main" })}`)).toEqual({ total: 2, groups: [] });
    expect(await yard.json("/v1/stack-counts?by=condition&machine=web")).toMatchObject({
      total: 2,
      groups: expect.arrayContaining([
        { condition: "failed", count: 1 },
        { condition: "busy", count: 0 },
      ]),
    });
    expect(await refusalOf("/v1/stack-counts?by=owner")).toMatchObject({ refusal: [400, "USAGE"] });
  });
});

interface Revision {
  readonly hash: string;
  readonly firstSeenAt?: string;
  readonly stacks: number;
  readonly current: boolean;
}

describe("revisions", () => {
  async function launch(stackId: string): Promise<void> {
    await yard.call("/v1/events", { body: { event: "LAUNCH", stackId, machine: "review-app" } });
    await expect.poll(async () => (await yard.call(`/v1/stacks/${stackId}`)).status).toBe(200);
  }

  it("are listed newest first, with the current one before any stack has used it", async () => {
    yard.run();
    const unused = await yard.json<Page<Revision>>("/v1/machines/review-app/revisions");
    await launch("pr-1");
    yard.write(`${REVIEW_APP}# another\n`);
    await launch("pr-2");
    yard.write(`${REVIEW_APP}# a third\n`);

    const { items } = await yard.json<Page<Revision>>("/v1/machines/review-app/revisions");
    const paged: Revision[] = [];
    let cursor = "";
    do {
      const more: Page<Revision> = await yard.json(
        `/v1/machines/review-app/revisions?limit=1${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      paged.push(...more.items);
      cursor = more.cursor ?? "";
    } while (cursor !== "");

    expect(unused.items).toMatchObject([{ machine: "review-app", stacks: 0, current: true }]);
    expect(unused.items[0]).not.toHaveProperty("firstSeenAt");
    expect(items.map(({ stacks, current }) => [stacks, current])).toEqual([
      [0, true],
      [1, false],
      [1, false],
    ]);
    expect(items[2]).toEqual({ ...unused.items[0], firstSeenAt: expect.any(String), stacks: 1, current: false });
    expect(paged).toEqual(items);
    expect(await refusalOf("/v1/machines/none/revisions")).toMatchObject({ refusal: [404, "MACHINE_UNKNOWN"] });
  });

  it("are shown with their document, stored or not", async () => {
    yard.run();
    const [current] = (await yard.json<Page<Revision>>("/v1/machines/review-app/revisions")).items;
    expect(await yard.json(`/v1/revisions/${current?.hash}`)).toEqual({ ...current, source: REVIEW_APP });
    await launch("pr-1");
    yard.write(`${REVIEW_APP}# another\n`);

    expect(await yard.json(`/v1/revisions/${current?.hash}`)).toMatchObject({
      hash: current?.hash,
      current: false,
      stacks: 1,
      source: REVIEW_APP,
    });
    expect(await refusalOf(`/v1/revisions/${HASH}`)).toMatchObject({ refusal: [404, "NOT_FOUND"] });
    expect(await refusalOf("/v1/revisions/abc")).toMatchObject({ refusal: [400, "USAGE"] });
  });

  it("of jobs are not listed: each job has its own", async () => {
    expect(await refusalOf("/v1/machines/stackyard.run/revisions")).toMatchObject({
      refusal: [404, "MACHINE_UNKNOWN"],
    });
  });
});

describe("attempts of the yard", () => {
  it("are listed in order of dispatch, by status and executor, over pages", async () => {
    const { attemptId } = await claimAttempt(yard, "b");
    await claimAttempt(yard, "a");
    const list = (query: string) => yard.json<Page<{ stackId: string; attemptId: string }>>(`/v1/attempts?${query}`);
    const first = await list("status=running&executor=script&limit=1");

    const second = await list(`status=running&executor=script&cursor=${first.cursor}`);

    expect(first.items).toMatchObject([{ attemptId, stackId: "b", machine: "review-app", status: "running" }]);
    expect(first.items[0]).not.toHaveProperty("token");
    expect(second.items.map(({ stackId }) => stackId)).toEqual(["a"]);
    expect((await list("status=queued")).items).toEqual([]);
    expect((await list("idPrefix=a&machine=review-app")).items.map(({ stackId }) => stackId)).toEqual(["a"]);
    expect(await refusalOf("/v1/attempts?status=settled")).toMatchObject({ refusal: [400, "USAGE"] });
    expect(await refusalOf("/v1/attempts?cursor=x")).toMatchObject({ refusal: [400, "USAGE"] });
  });

  it("of one stack come in pages where a limit is given", async () => {
    await claimAttempt(yard, "b");
    const [loaded] = await yard.store.load(["b"]);
    const all = await yard.json<Page<{ attemptId: string }>>("/v1/stacks/b/attempts");

    const page = await yard.json<Page<unknown>>("/v1/stacks/b/attempts?limit=1");

    expect(loaded?.stack?.runs).toHaveLength(1);
    expect(all.items).toHaveLength(1);
    expect(page).toEqual(all);
    expect(await refusalOf("/v1/stacks/b/attempts?cursor=x")).toMatchObject({ refusal: [400, "USAGE"] });
  });
});
