// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.

import { defineExecutor, type Executor, type Locator, silentLogger, succeeded } from "@stackyard/core";
import { createMemoryStore, createStaticLocator, createUlids, startYard } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import promotion from "@stackyard/promotion";
import { Type } from "typebox";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "./testing/eventually.ts";
import { listReads, readWhole } from "./testing/list-reads.ts";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const app = (rule: string) => `
version: 2
events: [LAUNCH, ROTATE]
metadata: { code: ${rule}, made: ${rule}, open: { type: string } }
states:
  INIT: { on: { LAUNCH: UP } }
  UP: { tasks: [create], on: { NEXT: IDLE } }
  IDLE: { on: { ROTATE: UP } }
tasks:
  create: { executor: script, config: {}, outputs: { made: key } }
`;

const tenant = (rule: string) => `
version: 2
events: { OPENED: {}, GO: { metadata: [api] } }
metadata: { api: ${rule} }
states: { INIT: { on: { OPENED: LIVE } }, LIVE: { on: { GO: LIVE } } }
`;

const RELEASE = `
version: 2
events: { RELEASED: { metadata: [api] }, BACK: {} }
metadata: { api: { type: string }, plan: { type: string } }
states:
  INIT: { on: { RELEASED: PLANNING } }
  PLANNING: { tasks: [plan], on: { NEXT: SENDING } }
  SENDING: { tasks: [tenants], on: { NEXT: SENT } }
  SENT: { on: { BACK: UNDOING } }
  UNDOING: { tasks: [back] }
tasks:
  plan: { executor: deploy, config: { op: plan, of: [tenants] }, outputs: { plan: digest } }
  back: { executor: deploy, config: { op: undo, of: tenants } }
  tenants:
    executor: deploy
    config: { stacks: { machine: tenant }, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE], plan: "\${metadata.plan}" }
`;

/** The same metadata, sensitive; a release may not pass it on any more. */
const RELEASE_NOW = `
version: 2
events: { RELEASED: { metadata: [api] }, BACK: {} }
metadata: { api: { type: string, sensitive: true }, plan: { type: string } }
states: { INIT: { on: { RELEASED: SENT } }, SENT: {}, UNDOING: {} }
`;

const PLAIN = "{ type: string }";
const SENSITIVE = "{ type: string, sensitive: true }";

const script = defineExecutor({
  name: "script",
  config: Type.Object({}),
  start: async () => succeeded({ key: "planted-made" }),
});

let yard: TestYard;
let worker: ReturnType<typeof startYard>;
let located: Locator;

const context = { projectDir: ".", dataDir: ".", environment: {}, readSecret: async () => "" };
const plugged = [script, ...promotion.executors({}, context)];
const executors = new Map(plugged.map((each): [string, Executor] => [each.name, each]));

function locate(sources: Readonly<Record<string, string>>): Locator {
  const parsed = Object.entries(sources).map(([name, source]) => {
    const { machine, problems } = parseMachine(source, { name, executors });
    if (machine === undefined) throw new Error(JSON.stringify(problems));
    return { machine, source };
  });
  return createStaticLocator(parsed);
}

const send = (stackId: string, event: string, body: object = {}) =>
  yard.json("/v1/events", { body: { id: `${stackId}-${event}-${Math.random()}`, stackId, event, ...body } });
const isIn = (stackId: string, state: string) =>
  eventually(async () => expect(await yard.json(`/v1/stacks/${stackId}`)).toMatchObject({ state }));

beforeAll(async () => {
  const store = createMemoryStore();
  located = locate({ app: app(PLAIN), tenant: tenant(PLAIN), release: RELEASE });
  const locator: Locator = { find: (name, how) => located.find(name, how), list: () => located.list() };
  yard = createTestYard({ store, deps: { locator, executors } });
  const deps = { store, locator, executors, clock: yard.clock, ids: createUlids(), logger: silentLogger };
  worker = startYard(deps, { drainMs: 100, process: { version: "0", host: "blue" } });
  await send("app-1", "LAUNCH", { machine: "app", metadata: { code: "planted-first", open: "seen" } });
  await isIn("app-1", "IDLE");
  await send("app-1", "ROTATE", { metadata: { code: "planted-second" }, reason: "it is planted-second now" });
  await isIn("app-1", "IDLE");
  await send("app-1", "LAUNCH", { metadata: { code: "planted-parked" } });
  await send("app-1", "UNHEARD", { metadata: { code: "planted-dead" } });
  await send("tenant-1", "OPENED", { machine: "tenant" });
  await isIn("tenant-1", "LIVE");
  for (const release of ["release-1", "release-2"]) {
    await send(release, "RELEASED", { machine: "release", metadata: { api: `planted-${release}` } });
    await isIn(release, "SENT");
  }
  await send("release-2", "BACK");
  await isIn("release-2", "UNDOING");
  await eventually(async () =>
    expect(await yard.json("/v1/stacks/tenant-1")).toMatchObject({ metadata: { api: "planted-release-1" } }),
  );
}, 60_000);
afterAll(async () => {
  await worker.stop();
  await yard.stop();
});

async function readAll(): Promise<Readonly<Record<string, string>>> {
  const { items: lines } = await yard.json<{ items: { position: number; eventId: string }[] }>(
    "/v1/history?limit=1000",
  );
  const { items } = await yard.json<{ items: { attemptId: string }[] }>("/v1/stacks/app-1/attempts");
  const reads = await listReads(yard, {
    stackId: ["app-1", "tenant-1", "release-1", "release-2"],
    name: ["app", "tenant", "release"],
    task: ["tenants", "back"],
    plan: ["plan", "tenants"],
    position: lines.map(({ position }) => String(position)),
    eventId: lines.map(({ eventId }) => eventId),
    attemptId: items.map(({ attemptId }) => attemptId),
  });
  const found: Record<string, string> = {};
  for (const { path } of reads) found[path] = await readWhole(yard, path);
  const presses: readonly (readonly [string, object])[] = [
    ["/v1/stacks/app-1/upgrade", { dryRun: true }],
    ["/v1/stacks/tenant-1/upgrade", { dryRun: true }],
    ["/v1/machines/app/upgrade", { dryRun: true }],
    ["/v1/stacks/app-1/simulate", { event: "ROTATE" }],
    ["/v1/stacks/tenant-1/simulate", { event: "GO", metadata: { api: "x" } }],
    ["/v1/bulk", { operation: "send", filter: { ids: ["app-1"] }, body: { event: "ROTATE" }, dryRun: true }],
    ["/v1/bulk", { operation: "redrive", filter: {}, dryRun: true }],
  ];
  for (const [path, body] of presses) found[`POST ${path}`] = await (await yard.call(path, { body })).text();
  for (const kind of ["failed", "degraded", "parked", "dead"])
    found[kind] = await readWhole(yard, `/v1/causes?kind=${kind}`);
  return found;
}

const listDoors = (found: Readonly<Record<string, string>>) =>
  Object.entries(found).flatMap(([door, text]) => {
    const [quoted] = /.{0,80}planted-.{0,20}/.exec(text) ?? [];
    return quoted === undefined ? [] : [`${door}: ${quoted}`];
  });

describe("values of keys that became sensitive later", () => {
  it("are nowhere in what the API answers, before and after the stack takes the revision, and without its machine (bk-ci#13307, walrus#1011)", async () => {
    const before = await readAll();
    expect(listDoors(before).length).toBeGreaterThan(20);
    located = locate({ app: app(SENSITIVE), tenant: tenant(SENSITIVE), release: RELEASE_NOW });
    // What was computed just before is shown for two seconds more.
    yard.advance(3_000);

    const untaken = await readAll();
    for (const stackId of ["app-1", "tenant-1"]) {
      await yard.call(`/v1/stacks/${stackId}/upgrade`, { body: {} });
    }
    const taken = await readAll();
    located = locate({ release: RELEASE_NOW });
    yard.advance(3_000);
    const removed = await readAll();

    expect(listDoors(untaken)).toEqual([]);
    expect(listDoors(taken)).toEqual([]);
    expect(listDoors(removed)).toEqual([]);
    expect(JSON.stringify(taken)).toContain("seen");
  }, 60_000);

  it("are hidden with all others while the documents of machines cannot be read", async () => {
    const { find } = located;
    located = { ...located, find: () => Promise.reject(new Error("The folder cannot be read.")) };

    const shown = await readWhole(yard, "/v1/stacks/app-1");
    located = { ...located, find };

    expect(JSON.parse(shown)).toMatchObject({ state: "IDLE", metadata: { code: "***", open: "***" } });
  });
});
