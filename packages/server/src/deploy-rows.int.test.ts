// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineExecutor, type Executor, failed, running, silentLogger } from "@stackyard/core";
import type { Deploy, DeployStack, NewApiToken, PlannedStack } from "@stackyard/core/api";
import { createStaticLocator, createUlids, startYard } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import promotion from "@stackyard/promotion";
import { createSqliteStore } from "@stackyard/store-sqlite";
import { Type } from "typebox";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const TENANT = `
version: 2
events: { OPENED: { metadata: [ring] }, GO: { metadata: [api] } }
metadata: { api: { type: string }, ring: { type: string } }
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE:
    on:
      GO:
        - { when: "metadata.ring == 'bad'", action: advance, state: BROKEN }
        - { when: "metadata.ring == 'slow'", action: advance, state: WORK }
        - { action: advance, state: LIVE }
  WORK: { tasks: [work], on: { FAILED: BROKEN } }
  BROKEN: {}
tasks:
  work: { executor: work, config: {} }
`;

const RELEASE = `
version: 2
events: { RELEASED: { metadata: [api] } }
metadata: { api: { type: string }, plan: { type: string } }
states: { INIT: { on: { RELEASED: PLANNING } }, PLANNING: { tasks: [plan], on: { NEXT: SENDING } }, SENDING: { tasks: [tenants] } }
tasks:
  plan: { executor: deploy, config: { op: plan, of: [tenants] }, outputs: { plan: digest } }
  tenants:
    executor: deploy
    config:
      stacks: { machine: tenant }
      event: GO
      metadata: { api: "\${metadata.api}" }
      until: [LIVE]
      failed: [BROKEN]
      plan: "\${metadata.plan}"
      maxFailures: 100%
      concurrency: 500
`;

const TENANTS = 400;
/** Their number, and how a release ends there: `slow` ones fail when the test lets them. */
const ringOf = (tenant: number) => (tenant % 50 === 7 ? "bad" : tenant % 100 === 3 ? "slow" : "rest");
const idOf = (tenant: number) => `tenant-${String(tenant).padStart(3, "0")}`;
const ids = Array.from({ length: TENANTS }, (_, tenant) => idOf(tenant));
const idsWith = (ring: string) => ids.filter((_, tenant) => ringOf(tenant) === ring);

const WAIT = { timeout: 60_000, interval: 250 };

let areSlowHeld = true;
const work = defineExecutor({
  name: "work",
  config: Type.Object({}),
  progress: Type.Object({}),
  start: async () => running({ progress: {}, pollAfterMs: 100, message: "Works." }),
  poll: async () =>
    areSlowHeld
      ? running({ progress: {}, pollAfterMs: 100, message: "Works." })
      : failed({ code: "WORK_FAILED", message: "It has failed.", retryable: false }),
});

let folder: string;
let yard: TestYard;
let worker: ReturnType<typeof startYard>;

const send = (stackId: string, event: string, body: object) =>
  yard.json("/v1/events", { body: { id: `${stackId}-${event}`, stackId, event, ...body } });
const countsOf = async () => {
  const { items } = await yard.json<{ items: Deploy[] }>("/v1/stacks/shop-2/deploys");
  return items[0]?.waves[0]?.counts;
};

// One release for all tests: 400 stacks on files take a while.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stackyard-rows-"));
  const store = await createSqliteStore({ folder });
  const context = { projectDir: ".", dataDir: ".", environment: {}, readSecret: async () => "" };
  const plugged = [work, ...promotion.executors({}, context)];
  const executors = new Map(plugged.map((each): [string, Executor] => [each.name, each]));
  const parse = (name: string, source: string) => {
    const { machine, problems } = parseMachine(source, { name, executors });
    if (machine === undefined) throw new Error(JSON.stringify(problems));
    return { machine, source };
  };
  const locator = createStaticLocator([parse("tenant", TENANT), parse("release", RELEASE)]);
  yard = createTestYard({ store, deps: { locator } });
  const process = { version: "0.0.0-test", host: "blue" };
  const deps = { store, locator, executors, clock: yard.clock, ids: createUlids(), logger: silentLogger };
  worker = startYard(deps, { drainMs: 100, process });
  for (let tenant = 0; tenant < TENANTS; tenant += 1) {
    await send(idOf(tenant), "OPENED", { machine: "tenant", metadata: { ring: ringOf(tenant) } });
  }
  const live = async () => (await yard.json<{ total: number }>("/v1/stack-counts?state=LIVE")).total;
  await vi.waitFor(async () => expect(await live()).toBe(TENANTS), WAIT);
  await send("shop-2", "RELEASED", { machine: "release", metadata: { api: "2" } });
  await vi.waitFor(async () => expect(await countsOf()).toMatchObject({ failed: 8, sent: 4, done: 388 }), WAIT);
}, 150_000);

afterAll(async () => {
  await worker.stop();
  await yard.stop();
  await rm(folder, { recursive: true });
});

interface Part {
  readonly items: readonly DeployStack[];
  readonly cursor?: string;
}

const load = (query: string, cursor?: string, init?: object) =>
  yard.json<Part>(`/v1/stacks/shop-2/deploys/tenants?${query}${cursor === undefined ? "" : `&cursor=${cursor}`}`, init);

async function loadAll(query: string, { cursor, init }: { cursor?: string | undefined; init?: object } = {}) {
  const items: DeployStack[] = [];
  let next = cursor;
  do {
    const part = await load(query, next, init);
    items.push(...part.items);
    next = part.cursor;
  } while (next !== undefined);
  return items;
}

const toIds = (items: readonly DeployStack[]) => items.map(({ stackId }) => stackId);

describe("the stacks of a release to 400 tenants", () => {
  it("begin with the failed ones of all records when this order is requested (octopus#2548, octopus#8923)", async () => {
    const sending = await loadAll("limit=1000");
    const first = await load("limit=10&order=failed-first");
    const whole = await loadAll("limit=90&order=failed-first");

    const fails = ({ state }: DeployStack) => state === "failed";
    // They are in both records, of which the first has 200 rows.
    expect(sending.findLastIndex(fails)).toBeGreaterThan(200);
    expect(first.items.map(({ state }) => state)).toEqual([...Array(8).fill("failed"), "done", "done"]);
    expect(toIds(whole)).toEqual(toIds([...sending.filter(fails), ...sending.filter((row) => !fails(row))]));
  });

  it("are each on one page, and all on some page, in either order (phpmyadmin#16143, rundeck#2293)", async () => {
    for (const query of ["limit=70", "limit=70&order=failed-first", "limit=199&order=sending"]) {
      expect(toIds(await loadAll(query)).toSorted()).toEqual(ids);
    }
  });

  it("with a state are found on whichever record they are (appsmith#8505, phpmyadmin#16084)", async () => {
    const failedOnes = await loadAll("limit=3&state=failed");
    const sent = await loadAll("limit=1000&state=sent&order=failed-first");

    expect(toIds(failedOnes).toSorted()).toEqual(idsWith("bad"));
    expect(toIds(sent).toSorted()).toEqual(idsWith("slow"));
  });

  it("are listed for a caller who may read few, over pages that are empty for them", async () => {
    const body = {
      name: "few",
      role: "viewer",
      machines: ["release", "tenant"],
      stacks: ["shop-2", idOf(57), idOf(58)],
    };
    const { token } = await yard.json<NewApiToken>("/v1/tokens", { body });
    const init = { headers: { authorization: `Bearer ${token}` } };

    expect(toIds(await loadAll("limit=50&order=failed-first", { init }))).toEqual([idOf(57), idOf(58)]);
  });

  it("end a page at the limit, and refuse another order or a cursor of other rows (argo-cd#21023)", async () => {
    expect((await load("limit=10")).items).toHaveLength(10);
    const path = "/v1/stacks/shop-2/deploys/tenants";

    expect((await yard.call(`${path}?order=newest`)).status).toBe(400);
    expect((await yard.call(`${path}?cursor=3.17`)).status).toBe(400);
    expect((await yard.call(`${path}?cursor=${"a".repeat(2_049)}`)).status).toBe(400);
  });

  it("have a row in the plan, which finds those of a state on whichever record they are (appsmith#8505)", async () => {
    const path = "/v1/stacks/shop-2/plans/plan/stacks";
    const list = async (query: string) => (await yard.json<{ items: PlannedStack[] }>(`${path}?${query}`)).items;

    const failedOnes = await list("limit=1000&state=failed");
    const all = await list("limit=1000");

    expect(failedOnes.map(({ stackId }) => stackId).toSorted()).toEqual(idsWith("bad"));
    expect(all.map(({ stackId }) => stackId).toSorted()).toEqual(ids);
    expect(all.filter(({ progress }) => progress === undefined)).toEqual([]);
    expect(await list("limit=1000&state=failed&does=same")).toEqual([]);
  });

  it("have the tasks that the plan has foreseen for them", async () => {
    const { items } = await load("limit=1000");
    const planned = await yard.json<{ items: PlannedStack[] }>("/v1/stacks/shop-2/plans/plan/stacks?limit=1000");
    const foreseen = new Map(planned.items.map(({ stackId, tasks }) => [stackId, tasks]));

    expect(items.length).toBeGreaterThan(100);
    expect(items.map(({ stackId, tasks }) => [stackId, tasks])).toEqual(
      items.map(({ stackId }) => [stackId, foreseen.get(stackId)]),
    );
    expect(items.some(({ tasks = [] }) => tasks.length > 0)).toBe(true);
  });

  it("that fail between two pages are on the next one, and none is listed twice (openqa#6553)", async () => {
    const before = await load("limit=8&order=failed-first");
    const late = await load("limit=398&order=failed-first");
    const failedBefore = await load("limit=3&state=failed");
    const sentBefore = await load("limit=2&state=sent");
    areSlowHeld = false;
    await expect.poll(countsOf, WAIT).toMatchObject({ failed: 12, sent: 0 });
    const after = await load("limit=6&order=failed-first", before.cursor);
    const rest = await loadAll("limit=90&order=failed-first", { cursor: after.cursor });

    // They were behind the first page, wherever they are stored.
    expect(after.items.map(({ state }) => state)).toEqual([...Array(4).fill("failed"), "done", "done"]);
    expect(toIds([...before.items, ...after.items, ...rest]).toSorted()).toEqual(ids);
    // Those that were shown as sent are not shown again.
    const lateRest = await loadAll("limit=90&order=failed-first", { cursor: late.cursor });
    expect(toIds([...late.items, ...lateRest]).toSorted()).toEqual(ids);
    const failedRest = await loadAll("limit=3&state=failed", { cursor: failedBefore.cursor });
    expect(toIds([...failedBefore.items, ...failedRest]).toSorted()).toEqual(
      ids.filter((_, tenant) => ringOf(tenant) !== "rest"),
    );
    expect(await loadAll("limit=2&state=sent", { cursor: sentBefore.cursor })).toEqual([]);
  });
});
