// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.

import { defineExecutor, type Executor, failed, StackyardError, type Store, silentLogger } from "@stackyard/core";
import type { Board, NewApiToken } from "@stackyard/core/api";
import { createMemoryStore, createStaticLocator, createUlids, startYard } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { Type } from "typebox";
import { afterEach, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const SHOP = `
version: 2
events: { GO: { metadata: [api, ring] } }
metadata: { api: { type: string }, ring: { type: string } }
states: { INIT: { on: { GO: LIVE } }, LIVE: { on: { GO: LIVE } } }
tasks: {}
`;

const release = (where: string) => `
version: 2
events: { RELEASED: { metadata: [api] } }
metadata: { api: { type: string } }
states: { INIT: { on: { RELEASED: FIRST } }, FIRST: { tasks: [staging, tenants] } }
tasks:
  staging: { executor: deploy, config: { stacks: shop-staging, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE] } }
  tenants: { executor: deploy, config: { stacks: { machine: shop, where: "${where}" }, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE] } }
`;

let yard: TestYard;
let worker: ReturnType<typeof startYard> | undefined;
afterEach(async () => {
  await worker?.stop();
  await yard.stop();
});

/** What deploys, and fails at once. */
const FAILING = defineExecutor({
  name: "deploy",
  config: Type.Unknown(),
  start: async () => failed({ code: "REFUSED", message: "It is refused.", retryable: false }),
});

function open(where = "metadata.ring == 'canary'", own?: Store, executors: readonly Executor[] = []) {
  const parse = (name: string, source: string) => {
    const { machine } = parseMachine(source, { name });
    if (machine === undefined) throw new Error("The machine of the test has errors.");
    return { machine, source };
  };
  const locator = createStaticLocator([parse("shop", SHOP), parse("shop-release", release(where))]);
  yard = createTestYard({ deps: { locator }, ...(own && { store: own }) });
  const { store, clock } = yard;
  const process = { version: "0.0.0-test", host: "blue" };
  const able = new Map(executors.map((each) => [each.name, each]));
  const deps = { store, locator, executors: able, clock, ids: createUlids(), logger: silentLogger };
  worker = startYard(deps, { drainMs: 100, process });
}

async function fill() {
  const machine = "shop";
  for (const [stackId, api, ring] of [
    ["shop-staging", "2", "none"],
    ["tenant-1", "1", "canary"],
    ["tenant-2", "1", "canary"],
    ["tenant-3", "3", "rest"],
  ] as const) {
    const body = { id: `e-${stackId}`, stackId, event: "GO", machine, metadata: { api, ring } };
    await yard.json("/v1/events", { body });
  }
  await expect.poll(async () => (await yard.json<{ total: number }>("/v1/stack-counts?by=machine")).total).toBe(4);
}

it("shows what runs where, of the stacks that the rule selects", async () => {
  open();
  await fill();

  const board = await yard.json<Board>("/v1/boards/shop-release");

  expect(await yard.json("/v1/boards")).toEqual({ items: [{ machine: "shop-release", environments: 2 }] });
  const [staging, tenants] = board.environments;
  expect(staging).toMatchObject({ task: "staging", stack: "shop-staging", stacks: 1, behind: false });
  expect(staging?.versions[0]).toMatchObject({ values: { api: "2" }, standings: { rests: 1 } });
  expect(tenants).toMatchObject({ machine: "shop", where: "metadata.ring == 'canary'", stacks: 2 });
  expect(tenants?.versions).toMatchObject([{ values: { api: "1" }, stacks: 2, examples: ["tenant-1", "tenant-2"] }]);
});

it("counts only what the caller may read", async () => {
  open("true");
  await fill();
  const scope = { machines: ["shop", "shop-release"], stacks: ["tenant-3"] };
  const token = await yard.json<NewApiToken>("/v1/tokens", { body: { name: "t", role: "viewer", ...scope } });
  const headers = { authorization: `Bearer ${token.token}` };

  const whole = await yard.json<Board>("/v1/boards/shop-release");
  const part = await yard.json<Board>("/v1/boards/shop-release", { headers });

  expect(whole.environments.map(({ stacks }) => stacks)).toEqual([1, 4]);
  expect(part.environments.map(({ stacks }) => stacks)).toEqual([0, 1]);
  expect(part.environments[1]?.versions[0]?.examples).toEqual(["tenant-3"]);
});

it("is computed once for all callers who may read the same, and shows each only that", async () => {
  const memory = createMemoryStore();
  const reads: unknown[] = [];
  const listStacks: Store["queries"]["listStacks"] = (filter, page) => {
    reads.push(filter.scopes);
    return memory.queries.listStacks(filter, page);
  };
  open("true", { ...memory, queries: { ...memory.queries, listStacks } });
  await fill();
  const machines = ["shop", "shop-release"];
  const create = async (name: string, stacks: readonly string[]) => {
    const body = { name, role: "viewer", machines, stacks };
    const { token } = await yard.json<NewApiToken>("/v1/tokens", { body });
    return () => yard.json<Board>("/v1/boards/shop-release", { headers: { authorization: `Bearer ${token}` } });
  };
  // The second names its stacks in another order: it may read the same.
  const [ann, ben] = [await create("ann", ["tenant-1", "tenant-3"]), await create("ben", ["tenant-3", "tenant-1"])];
  const cleo = await create("cleo", ["tenant-2"]);
  reads.length = 0;

  const boards = await Promise.all([ann(), ben(), ann(), cleo(), ben(), yard.json<Board>("/v1/boards/shop-release")]);

  const examples = boards.map(({ environments }) => environments[1]?.versions.flatMap((each) => each.examples).sort());
  const [first, second] = [["tenant-1", "tenant-3"], ["tenant-2"]];
  expect(examples.slice(0, 5)).toEqual([first, first, first, second, first]);
  expect(boards.map(({ environments }) => environments[1]?.stacks)).toEqual([2, 2, 2, 1, 2, 4]);
  // A page of the environment and one of the releases, for each of three scopes.
  expect(reads).toHaveLength(6);
  expect(new Set(reads.map((scopes) => JSON.stringify(scopes ?? []))).size).toBe(3);

  yard.advance(3_000);
  const body = { id: "e-5", stackId: "tenant-1b", event: "GO", machine: "shop", metadata: { api: "1", ring: "rest" } };
  await yard.json("/v1/events", { body });
  await expect.poll(async () => (await ben()).environments[1]?.stacks, { interval: 600, timeout: 20_000 }).toBe(3);
  expect((await cleo()).environments[1]?.stacks).toBe(1);
});

it("names a rule that cannot be evaluated at its environment, and shows the others", async () => {
  open("metadata.tier.name == 'gold'");
  await fill();

  const { environments } = await yard.json<Board>("/v1/boards/shop-release");

  expect(environments.map(({ stacks }) => stacks)).toEqual([1, 0]);
  expect(environments[1]?.problem).toContain("metadata.tier.name == 'gold'");
});

it("names a stack that cannot be read at the environments that it may belong to, and counts the others", async () => {
  const store = createMemoryStore();
  open(undefined, store);
  await fill();
  const { listStacks } = store.queries;
  const damaged: typeof listStacks = async (...input) => {
    const page = await listStacks(...input);
    const items = page.items.filter(({ stack }) => stack.id !== "tenant-2");
    return items.length === page.items.length
      ? page
      : { ...page, items, unreadable: [{ id: "tenant-2", reason: "x" }] };
  };
  Object.assign(store.queries, { listStacks: damaged });
  const scope = { machines: ["shop", "shop-release"], stacks: ["tenant-1", "tenant-3"] };
  const token = await yard.json<NewApiToken>("/v1/tokens", { body: { name: "t", role: "viewer", ...scope } });
  const read = async (init?: object) => (await yard.json<Board>("/v1/boards/shop-release", init)).environments[1];

  expect(await read()).toMatchObject({
    stacks: 1,
    problem: 'Not counted, because it cannot be read: the stack "tenant-2".',
    versions: [{ values: { api: "1" }, examples: ["tenant-1"] }],
  });
  expect(await read({ headers: { authorization: `Bearer ${token.token}` } })).not.toHaveProperty("problem");
});

it("names each release that cannot be read, and shows one of which a part cannot be read as its record says", async () => {
  const store = createMemoryStore();
  open(undefined, store, [FAILING]);
  for (const id of ["shop-1", "shop-2", "shop-3"]) {
    const event = { id, stackId: id, event: "RELEASED", machine: "shop-release", metadata: { api: "2" } };
    await yard.json("/v1/events", { body: event });
  }
  const read = (init?: object) => yard.json<Board>("/v1/boards/shop-release", init);
  const conditions = async () => (await read()).releases.map(({ condition }) => condition);
  await expect.poll(conditions, { interval: 600, timeout: 20_000 }).toEqual(["failed", "failed", "failed"]);
  const { listStacks } = store.queries;
  const { load } = store;
  Object.assign(store.queries, {
    async listStacks(...input: Parameters<typeof listStacks>) {
      const page = await listStacks(...input);
      const items = page.items.filter(({ stack }) => stack.id !== "shop-2");
      const unreadable = [{ id: "shop-2", reason: "The record is invalid." }];
      return items.length === page.items.length ? page : { ...page, items, unreadable };
    },
  });
  Object.assign(store, {
    async load(...[ids]: Parameters<typeof load>) {
      if (ids.includes("shop-3")) throw new StackyardError("STORE_CORRUPT", "An event is invalid.");
      return load(ids);
    },
  });
  const scope = { machines: ["shop-release"], stacks: ["shop-1"] };
  const token = await yard.json<NewApiToken>("/v1/tokens", { body: { name: "t", role: "viewer", ...scope } });
  yard.advance(3_000);

  const whole = await read();
  const part = await read({ headers: { authorization: `Bearer ${token.token}` } });

  expect(whole.unreadable).toEqual([{ id: "shop-2", problem: "The record is invalid." }]);
  expect(whole.releases.map(({ id, condition }) => [id, condition]).toSorted()).toEqual([
    ["shop-1", "failed"],
    ["shop-3", "failed"],
  ]);
  expect(part).not.toHaveProperty("unreadable");
  const comingOf = ({ environments }: Board) =>
    environments.map(({ coming = [] }) => coming.map((each) => each.release));
  expect(whole.environments[0]?.coming).toEqual([
    { release: "shop-1", task: "staging", hold: "failed", why: expect.any(String), values: { api: "2" } },
  ]);
  expect(comingOf(part)).toEqual(comingOf(whole));
});

it("answers for a machine that is not there, and for one that deploys nothing", async () => {
  open();

  expect((await yard.call("/v1/boards/nowhere")).status).toBe(404);
  expect(await yard.json("/v1/boards/shop")).toEqual({ machine: "shop", environments: [], releases: [], turns: [] });
});

it("shows what a release has deployed to those who may read the release", async () => {
  open();
  const event = { id: "r1", stackId: "shop-1", event: "RELEASED", machine: "shop-release", metadata: { api: "2" } };
  await yard.json("/v1/events", { body: event });
  await expect.poll(async () => (await yard.call("/v1/stacks/shop-1")).status).toBe(200);
  const token = await yard.json<NewApiToken>("/v1/tokens", { body: { name: "t", role: "viewer", machines: ["shop"] } });
  const headers = { authorization: `Bearer ${token.token}` };
  const statusOf = async (path: string, init?: object) => (await yard.call(`/v1/stacks/${path}`, init)).status;

  // No worker has the executor: nothing has begun.
  expect(await yard.json("/v1/stacks/shop-1/deploys")).toEqual({ items: [] });
  expect(await statusOf("shop-1/deploys/staging")).toBe(404);
  expect(await statusOf("nowhere/deploys")).toBe(404);
  expect(await statusOf("shop-1/deploys", { headers })).not.toBe(200);
  expect(await statusOf("shop-1/deploys/staging", { headers })).not.toBe(200);
});
