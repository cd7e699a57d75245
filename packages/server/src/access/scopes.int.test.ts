import { defineExecutor, type Executor, running, silentLogger } from "@stackyard/core";
import type { StackCounts } from "@stackyard/core/api";
import { createMemoryStore, createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import fc from "fast-check";
import { Type } from "typebox";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createServer } from "../create-server.ts";

const SOURCE = `
version: 2
events: [OPEN, CLOSE]
states:
  INIT: { on: { OPEN: LIVE } }
  LIVE: { tasks: [sign-off, watch], on: { CLOSE: GONE } }
  GONE: { terminal: true }
tasks:
  sign-off: { executor: approval, config: { from: [managers] } }
  watch: { executor: script, config: {} }
`;

/** Each stack's machine. `web-9` had been of `db` before. */
const STACKS = {
  "web-1": "shop",
  "web-2": "db",
  "web-9": "shop",
  "api-1": "shop",
  "api-2": "db",
  "ops-1": "db",
} as const;
type StackId = keyof typeof STACKS;
const IDS = Object.keys(STACKS) as readonly StackId[];

/** Of which machines and beginnings of ids; without either, all. */
interface Scope {
  readonly machines?: string[];
  readonly stacks?: string[];
}

function isWithin(id: StackId, { machines, stacks }: Scope, machine: string = STACKS[id]): boolean {
  return (machines?.includes(machine) ?? true) && (stacks?.some((prefix) => id.startsWith(prefix)) ?? true);
}

const executor: Executor = defineExecutor({
  name: "script",
  config: Type.Object({}),
  progress: Type.Object({}),
  start: async () => running({ progress: {}, pollAfterMs: 3_600_000, message: "watches" }),
  poll: async () => running({ progress: {}, pollAfterMs: 3_600_000, message: "watches" }),
});

function createWorld() {
  const executors = new Map([["script", executor]]);
  const located = ["shop", "db"].map((name) => {
    const { machine } = parseMachine(SOURCE, { name, executors });
    if (machine === undefined) throw new Error("The machine has errors.");
    return { machine, source: SOURCE };
  });
  const store = createMemoryStore();
  const locator = createStaticLocator(located);
  const deps = { store, locator, executors, clock: systemClock, ids: createUlids(), logger: silentLogger };
  const tokens = [{ name: "root", token: "a-token-of-the-tests" }];
  const limits = { heartbeatMs: 20, streamsPerCaller: 100 };
  const server = createServer({ ...deps, version: "0" }, { port: 0, tokens, limits });
  const yard = startYard(deps, { drainMs: 100, process: { version: "0", host: "blue" } });
  const call = async (path: string, { body, secret = "a-token-of-the-tests", ...more }: CallOptions = {}) => {
    const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json", ...more.headers };
    const method = body === undefined ? "GET" : "POST";
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    return server.app.fetch(new Request(`http://127.0.0.1${path}`, init));
  };
  const stop = async () => {
    await server.stop();
    await yard.stop();
    await store.close();
  };
  return { call, stop };
}

interface CallOptions {
  readonly body?: unknown;
  readonly secret?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

let world: ReturnType<typeof createWorld>;
const json = async <Answer>(path: string, options?: CallOptions) =>
  (await (await world.call(path, options)).json()) as Answer;

/** All pages of a list. */
async function listAll<Item>(path: string, secret: string): Promise<readonly Item[]> {
  const found: Item[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const page: { items: Item[]; cursor?: string } = await json(
      `${path}${path.includes("?") ? "&" : "?"}limit=2${cursor}`,
      {
        secret,
      },
    );
    found.push(...page.items);
    cursor = page.cursor === undefined ? undefined : `&cursor=${encodeURIComponent(page.cursor)}`;
  }
  return found;
}

/** A stream from its beginning to its first silence. */
async function readStream(secret: string, path = "/v1/stream?kinds=history,progress,bulk"): Promise<string> {
  const response = await world.call(path, { secret, headers: { "last-event-id": "0" } });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes(": alive")) text += (await reader?.read())?.value ?? ": alive";
  await reader?.cancel();
  return text;
}

const until = (isSo: () => Promise<boolean>) =>
  vi.waitFor(async () => expect(await isSo()).toBe(true), { timeout: 20_000 });

beforeAll(async () => {
  world = createWorld();
  const send = (event: object) => world.call("/v1/events", { body: event });
  const isLive = async (id: string, machine: string) => {
    const { items } = await json<{ items: { stackId: string }[] }>(`/v1/approvals?limit=100`);
    const stack = await json<{ machine?: string; state?: string }>(`/v1/stacks/${id}`);
    return stack.machine === machine && stack.state === "LIVE" && items.some(({ stackId }) => stackId === id);
  };
  await send({ event: "OPEN", stackId: "web-9", machine: "db" });
  await until(() => isLive("web-9", "db"));
  await world.call("/v1/stacks/web-9/remove", { body: { force: true, reason: "moves" } });
  await until(async () => (await world.call("/v1/stacks/web-9")).status === 404);
  for (const id of IDS) {
    await send({ event: "OPEN", stackId: id, machine: STACKS[id] });
    await until(() => isLive(id, STACKS[id]));
    await send({ event: "UNHEARD-OF", stackId: `${id}-new`, machine: STACKS[id] });
  }
  await until(async () => (await json<{ items: object[] }>("/v1/dead-letters")).items.length === IDS.length);
});
afterAll(() => world.stop());

async function createToken(scope: Scope): Promise<string> {
  const body = { name: "t", role: "maintainer", ...scope };
  return (await json<{ token: string }>("/v1/tokens", { body })).token;
}

const someScope = fc.record(
  {
    machines: fc.subarray(["shop", "db", "other"], { minLength: 1 }),
    stacks: fc.subarray(["web-", "web-1", "api-", "o", "none"], { minLength: 1 }),
  },
  { requiredKeys: [] },
);

/** What answers may name of the stacks: everything that begins like one is one, or its dead letter. */
function namedIn(text: string): readonly string[] {
  return [...new Set([...text.matchAll(/\b(?:web|api|ops)-\d/g)].map(([id]) => id))].toSorted();
}

describe("a caller with a scope", () => {
  it("sees, counts and chooses what is within, and nothing else", async () => {
    await fc.assert(
      fc.asyncProperty(someScope, async (scope) => {
        const within = IDS.filter((id) => isWithin(id, scope)).toSorted();
        // Lines and attempts of the earlier stack are of its machine.
        const named = IDS.filter((id) => within.includes(id) || (id === "web-9" && isWithin(id, scope, "db")));
        const secret = await createToken(scope);
        const ids = async (path: string) =>
          (await listAll<{ id?: string; stackId?: string }>(path, secret)).map(
            ({ id, stackId }) => stackId ?? id ?? "",
          );
        const plan = { operation: "send", body: { event: "CLOSE" }, dryRun: true };
        const bulkOf = (filter: object, more: object = {}) =>
          json<{ total?: number; code?: string }>("/v1/bulk", {
            secret,
            body: { ...plan, filter, ...more },
          });

        expect((await ids("/v1/stacks")).toSorted()).toEqual(within);
        expect((await ids("/v1/stacks?sort=-createdAt")).toSorted()).toEqual(within);
        expect((await ids("/v1/approvals")).toSorted()).toEqual(within);
        expect([...new Set(await ids("/v1/attempts"))].filter((id) => !named.some((each) => each === id))).toEqual([]);
        expect((await ids("/v1/dead-letters")).map((id) => id.replace("-new", "")).toSorted()).toEqual(within);
        expect(await json("/v1/stack-counts?by=state", { secret })).toMatchObject({ total: within.length });
        // rancher/dashboard#16841: the rail counted what the list did not show.
        const { total, groups } = await json<StackCounts>("/v1/stack-counts?by=mainCondition", { secret });
        expect(total).toBe(within.length);
        const needy = groups.reduce((sum, { count, needsPerson }) => sum + (needsPerson === true ? count : 0), 0);
        expect(await ids("/v1/stacks?needsPerson=true")).toHaveLength(needy);
        expect(await bulkOf({})).toMatchObject({ total: within.length });
        expect(await bulkOf({ ids: IDS })).toMatchObject({ total: within.length });
        const wrong = { dryRun: false, plan: "0".repeat(32) };
        expect(await bulkOf({}, wrong)).toMatchObject({ code: "PLAN_STALE" });
        for (const path of ["/v1/history", "/v1/parked", "/v1/stack-counts?by=machine", "/v1/bulk"]) {
          const text = await (await world.call(path, { secret })).text();
          expect(
            namedIn(text).filter((id) => !named.some((each) => each === id)),
            path,
          ).toEqual([]);
        }
        expect(namedIn(await readStream(secret))).toEqual(named.toSorted());
      }),
      { numRuns: 15 },
    );
  });

  it("starts a bulk operation for what is within only", async () => {
    const secret = await createToken({ machines: ["db"], stacks: ["api-", "web-"] });
    const body = { operation: "retry", filter: { ids: IDS } };

    const { id } = await json<{ id: string }>("/v1/bulk", { secret, body });

    const items = await listAll<{ id: string }>(`/v1/bulk/${id}/items`, secret);
    expect(items.map((item) => item.id)).toEqual(["web-2", "api-2"]);
    const other = await createToken({ machines: ["shop"] });
    for (const path of [`/v1/bulk/${id}`, `/v1/bulk/${id}/items`]) {
      expect((await world.call(path, { secret: other })).status, path).toBe(404);
    }
    expect(await json("/v1/bulk", { secret: other })).toEqual({ items: [] });
  });

  it("gets a bundle without processes, and without the lines and the machine of an earlier stack", async () => {
    const bundleOf = (secret?: string) =>
      json<Readonly<Record<string, { name?: string; event?: string }[]>>>(
        "/v1/stacks/web-9/bundle",
        secret === undefined ? {} : { secret },
      );

    const [whole, part] = [await bundleOf(), await bundleOf(await createToken({ machines: ["shop"] }))];

    expect(whole["processes"]).toHaveLength(1);
    expect(whole["history"]?.map(({ event }) => event)).toContain("REMOVE_STACK");
    expect(whole["revisions"]?.map(({ name }) => name).toSorted()).toEqual(["db", "shop"]);
    expect(part["processes"]).toEqual([]);
    expect(part["history"]?.map(({ event }) => event)).toEqual(["OPEN"]);
    expect(part["revisions"]?.map(({ name }) => name)).toEqual(["shop"]);
  });

  it("reads attempts and logs of an earlier stack only where its machine is within", async () => {
    interface Listed {
      readonly attemptId: string;
    }
    const list = async (path: string, key: "items" | "attempts", secret?: string) => {
      const body = await json<Record<string, Listed[] | undefined>>(path, secret === undefined ? {} : { secret });
      return (body[key] ?? []).map(({ attemptId }) => attemptId);
    };
    const ids = await list("/v1/stacks/web-9/attempts", "items");
    const [own = ""] = await list("/v1/attempts?machine=shop&idPrefix=web-9", "items");
    const earlier = ids.find((id) => id !== own) ?? "";
    const [ofShop, ofDb] = [await createToken({ machines: ["shop"] }), await createToken({ machines: ["db"] })];
    const statusesOf = async (secret: string, id: string) => {
      const path = `/v1/attempts/${encodeURIComponent(id)}`;
      const stream = `/v1/stream?kinds=log&attemptId=${encodeURIComponent(id)}`;
      const statuses = new Set<number>();
      for (const each of [path, `${path}/log`, `${path}/full-log`, stream]) {
        const response = await world.call(each, { secret });
        await response.body?.cancel();
        statuses.add(response.status);
      }
      return [...statuses];
    };

    expect(ids).toHaveLength(2);
    for (const [path, key] of [
      ["/v1/stacks/web-9/attempts", "items"],
      ["/v1/stacks/web-9", "attempts"],
      ["/v1/stacks/web-9/bundle", "attempts"],
    ] as const) {
      expect(await list(path, key, ofShop), path).toEqual([own]);
    }
    expect(await list("/v1/stacks/web-9/attempts", "items", ofDb)).toEqual([earlier]);
    expect([await statusesOf(ofShop, own), await statusesOf(ofShop, earlier)]).toEqual([[200], [404]]);
    expect([await statusesOf(ofDb, own), await statusesOf(ofDb, earlier)]).toEqual([[404], [200]]);
    const bundle = await json<{ stack: { attempts: Listed[] } }>("/v1/stacks/web-9/bundle", { secret: ofShop });
    expect(bundle.stack.attempts.map(({ attemptId }) => attemptId)).toEqual([own]);
  });

  it("neither sees nor sends again what an earlier stack of the id has left, and cannot act on another's stack", async () => {
    const [ofShop, ofDb] = [await createToken({ machines: ["shop"] }), await createToken({ machines: ["db"] })];
    const id = "again-1";
    const send = (event: object) => world.call("/v1/events", { body: { stackId: id, ...event } });
    await send({ event: "OPEN", machine: "db" });
    await until(async () => (await world.call(`/v1/stacks/${id}`)).status === 200);
    await send({ event: "TYPO", metadata: { password: "of-db" } });
    await until(async () => (await json<{ items: object[] }>(`/v1/dead-letters?stackId=${id}`)).items.length === 1);
    await world.call(`/v1/stacks/${id}/remove`, { body: { force: true, reason: "moves" } });
    await until(async () => (await world.call(`/v1/stacks/${id}`)).status === 404);
    await send({ event: "OPEN", machine: "shop" });
    await until(async () => (await json<{ machine?: string }>(`/v1/stacks/${id}`)).machine === "shop");

    const listOf = (secret: string) => json<{ items: { id: string }[] }>(`/v1/dead-letters?stackId=${id}`, { secret });
    const letters = await listOf(ofDb);
    const ids = letters.items.map((letter) => letter.id);
    const redrive = (secret: string) => world.call("/v1/dead-letters/redrive", { secret, body: { ids } });
    const bulk = (secret: string) =>
      world.call("/v1/bulk", { secret, body: { operation: "redrive", filter: { ids }, dryRun: true } });

    expect([(await listOf(ofShop)).items, ids.length]).toEqual([[], 1]);
    expect(JSON.stringify(await json("/v1/causes?kind=dead", { secret: ofShop }))).not.toContain("TYPO");
    expect(await (await redrive(ofShop)).json()).toEqual({ redriven: [], unknown: ids });
    expect((await redrive(ofDb)).status).toBe(403);
    expect(await (await bulk(ofShop)).text()).not.toContain(ids[0]);
    expect((await bulk(ofDb)).status).toBe(403);
  });

  it("learns nothing of others from errors", async () => {
    const secret = await createToken({ machines: ["shop"] });
    const bodies = [
      "GET /v1/machines/dc",
      "GET /v1/stacks/api-2",
      "GET /v1/stacks/ops-1/bundle",
      "GET /v1/machines/db",
    ];

    for (const path of bodies.map((each) => each.slice(4))) {
      const response = await world.call(path, { secret });
      const { detail } = (await response.json()) as { detail: string };
      expect([response.status, detail.replace(path.split("/")[3] ?? "", "")]).toEqual([
        404,
        expect.not.stringMatching(/db|ops/),
      ]);
    }
  });

  it("gets the same lines by both streams, also those of a removed stack that no revision decided", async () => {
    const secret = await createToken({ machines: ["shop"] });
    await world.call("/v1/events", { body: { event: "OPEN", stackId: "gone-1", machine: "shop" } });
    await until(async () => (await world.call("/v1/stacks/gone-1")).status === 200);
    await world.call("/v1/stacks/gone-1/remove", { body: { force: true, reason: "moves" } });
    await until(async () => (await world.call("/v1/stacks/gone-1")).status === 404);
    await world.call("/v1/events", { body: { event: "CLOSE", stackId: "gone-1" } });
    await until(async () => (await json<{ items: object[] }>("/v1/history?stackId=gone-1")).items.length === 3);
    const linesOf = async (path: string) =>
      [...(await readStream(secret, path)).matchAll(/^data: (\{.*"stackId".*)$/gm)].map(
        ([, line = ""]) => JSON.parse(line) as { stackId: string; machineHash?: string },
      );

    const [watched, streamed] = [await linesOf("/v1/watch"), await linesOf("/v1/stream?kinds=history")];

    expect(streamed).toEqual(watched);
    const ofGone = await linesOf("/v1/stream?kinds=history&machine=shop&idPrefix=gone-");
    expect(ofGone).toEqual(watched.filter(({ stackId }) => stackId === "gone-1"));
    expect(ofGone.map(({ machineHash }) => machineHash === undefined)).toEqual([false, false, true]);
  });

  it("hears no name of a machine that is like the name of its own, which does not exist", async () => {
    const secret = await createToken({ machines: ["shpo"] });

    for (const path of ["/v1/machines/shpo", "/v1/machines/shpo/graph"]) {
      const details = [secret, undefined].map(
        async (each) => (await json<{ detail: string }>(path, each === undefined ? {} : { secret: each })).detail,
      );
      expect(await Promise.all(details), path).toEqual([
        'Unknown machine "shpo".',
        'Unknown machine "shpo". Did you mean "shop"?',
      ]);
    }
  });
});
