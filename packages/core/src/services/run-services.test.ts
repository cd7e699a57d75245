import { describe, expect, it } from "vitest";
import { createStaticLocator } from "../engine/built-in-ports.ts";
import { parseMachine } from "../machine/parse-machine.ts";
import { createMemoryStore } from "../memory/memory-store.ts";
import { silentLogger } from "../ports/executor.ts";
import type { PluginService, ServiceDeps } from "../ports/plugin-service.ts";
import type { PutRecordInput } from "../ports/records.ts";
import { aStack } from "../testing/builders.ts";
import { countingIds, createFakeClock } from "../testing/fake-clock.ts";
import { aPut, commitNow } from "../testing/store-conformance/store-builders.ts";
import { createServiceRunner } from "./run-services.ts";
import type { YardServicesDeps } from "./service-deps.ts";

function createBench() {
  const clock = createFakeClock();
  const store = createMemoryStore();
  const ids = countingIds();
  const common = { store, clock, ids, locator: createStaticLocator([]), logger: silentLogger, random: () => 1 };
  const readSecret = async () => "secret";
  const create = (services: readonly PluginService[], over: Partial<YardServicesDeps> = {}) =>
    createServiceRunner({ ...common, ...over, readSecret }, services);
  const start = (
    service: PluginService,
    over: Partial<YardServicesDeps> = {},
    others: readonly PluginService[] = [],
  ) => {
    const runner = create([service, ...others], over);
    runner.run();
    return runner;
  };
  return { clock, store, create, start };
}

/** A service that notes when its ticks begin, and may wait in one. */
function createNoted(tick: (deps: ServiceDeps, until: number) => Promise<number | undefined> = async () => undefined) {
  const ticks: number[] = [];
  const service: PluginService = {
    name: "noted",
    async tick(deps, until) {
      ticks.push(deps.clock.now());
      return tick(deps, until);
    },
  };
  return { ticks, service };
}

const START = createFakeClock().now();
const since = (ticks: readonly number[]) => ticks.map((at) => at - START);

describe("the services of a process", () => {
  it("are called again when they ask for it, and at least once a minute", async () => {
    const { clock, start } = createBench();
    const { ticks, service } = createNoted(async ({ clock: own }) =>
      ticks.length < 3 ? own.now() + 2_000 : undefined,
    );
    const runner = start(service);

    await clock.advance(65_000);

    expect(since(ticks)).toEqual([0, 2_000, 4_000, 64_000]);
    await runner.stop();
  });

  it("are called after a request to them, also when it comes during a tick", async () => {
    const { clock, start } = createBench();
    const { ticks, service } = createNoted(async ({ clock: own }) => void (await own.sleep(5_000)));
    const runner = start(service);
    await clock.advance(1_000);
    runner.wake("noted");

    await clock.advance(30_000);

    expect(since(ticks)).toEqual([0, 5_000]);
    await runner.stop();
  });

  it("write nothing while they have nothing to do", async () => {
    const { clock, store, start } = createBench();
    const versions = async () => (await store.records.list("", { limit: 10, now: clock.now() })).items;
    let dueAt: number | undefined;
    let puts = 0;
    const records = {
      ...store.records,
      put: (input: PutRecordInput) => {
        puts += 1;
        return store.records.put(input);
      },
    };
    const { ticks, service } = createNoted(async () => {
      dueAt = undefined;
      return undefined;
    });
    const runner = start({ ...service, dueAt: async () => dueAt }, { store: { ...store, records } });

    await clock.advance(600_000);
    const idle = [puts, ticks.length, await versions()];
    dueAt = clock.now() + 90_000;
    await clock.advance(200_000);

    expect(idle).toEqual([0, 0, []]);
    expect(since(ticks)).toEqual([690_000]);
    await runner.stop();
  });

  it("forget a failure once nothing is to do any more", async () => {
    const { clock, start } = createBench();
    let isBroken = true;
    const { service } = createNoted();
    const dueAt = async () => {
      if (isBroken) throw new Error("shop.yaml has errors.");
      return undefined;
    };
    const runner = start({ ...service, dueAt });
    await clock.advance(1_000);
    const broken = await runner.list();
    isBroken = false;

    await clock.advance(400_000);

    expect(broken).toMatchObject([{ name: "noted", failure: { message: "shop.yaml has errors." } }]);
    expect(await runner.list()).toEqual([{ name: "noted" }]);
    await runner.stop();
  });

  it("are in a tick in one process at a time", async () => {
    const { clock, start } = createBench();
    let inside = 0;
    let most = 0;
    const tick = async ({ clock: own }: ServiceDeps) => {
      most = Math.max(most, ++inside);
      await own.sleep(90_000);
      inside -= 1;
      return own.now() + 1_000;
    };
    const { ticks, service } = createNoted(tick);
    const runners = [start(service), start(service), start(service)];

    await clock.advance(400_000);

    expect(most).toBe(1);
    expect(ticks.length).toBeGreaterThan(3);
    const stopped = Promise.all(runners.map((runner) => runner.stop()));
    await clock.advance(90_000);
    await stopped;
  });

  it("continue in another process when the one in a tick dies", async () => {
    const { clock, store, start } = createBench();
    const dead = createNoted(() => new Promise(() => undefined));
    // A process that died renews nothing any more.
    let isAlive = true;
    const records: typeof store.records = {
      ...store.records,
      put: async (input) => (isAlive ? store.records.put(input) : new Promise(() => undefined)),
    };
    start(dead.service, { store: { ...store, records } });
    await clock.advance(1_000);
    isAlive = false;
    const { ticks, service } = createNoted();
    const runner = start(service);

    await clock.advance(32_000);

    expect(dead.ticks).toHaveLength(1);
    expect(since(ticks)).toEqual([30_000]);
    await runner.stop();
  });

  it("are left alone for an hour after three processes in a row have died in a tick. Reported: faktory#99", async () => {
    const { clock, store, start } = createBench();
    const ticks: number[] = [];
    for (let died = 0; died < 3; died += 1) {
      let isAlive = true;
      const put: typeof store.records.put = (input) => {
        return isAlive ? store.records.put(input) : new Promise(() => undefined);
      };
      const { service } = createNoted(() => {
        ticks.push(clock.now() - START);
        isAlive = false;
        return new Promise(() => undefined);
      });
      start(service, { store: { ...store, records: { ...store.records, put } } });
      await clock.advance(40_000);
    }
    const { ticks: later, service } = createNoted();
    const runner = start(service);
    await clock.advance(60_000);
    const [given] = await runner.list();
    await clock.advance(3_600_000);

    expect(ticks).toHaveLength(3);
    expect(given?.failure?.message).toMatch(/^WORKER_LOST: /);
    expect(later.length).toBeGreaterThan(0);
    expect(later[0]).toBeGreaterThan(START + 3_600_000);
    expect(await runner.list()).toEqual([{ name: "noted" }]);
    await runner.stop();
  });

  it("are aborted when their lease is lost", async () => {
    const { clock, store, start } = createBench();
    const reasons: boolean[] = [];
    const { service } = createNoted(async ({ clock: own, signal }) => {
      await own.sleep(100_000, signal);
      reasons.push(signal.aborted);
      return undefined;
    });
    const runner = start(service);
    await clock.advance(1_000);
    const found = await store.records.get("leases/services/noted", clock.now());
    const value = { token: 99, owner: "other", until: clock.now() + 60_000 };
    await store.records.put({ key: "leases/services/noted", value, expected: found?.version ?? 0, now: clock.now() });

    await clock.advance(10_000);

    expect(reasons).toEqual([true]);
    await runner.stop();
  });

  it("are called when another service wakes them", async () => {
    const { clock, start } = createBench();
    const { ticks, service } = createNoted();
    const waking: PluginService = {
      name: "waking",
      async tick({ wake, clock: own }) {
        await own.sleep(10_000);
        wake("noted");
        wake("unknown");
        return undefined;
      },
    };
    const runner = start(service, {}, [waking]);

    await clock.advance(11_000);

    expect(since(ticks)).toEqual([0, 10_000]);
    await runner.stop();
  });

  it("show why they fail, are called later and later, and forget it after a success", async () => {
    const { clock, start } = createBench();
    const { ticks, service } = createNoted(async () => {
      if (ticks.length <= 4) throw new Error(`down ${"x".repeat(2_000)}`);
      return undefined;
    });
    const runner = start(service);
    await clock.advance(0);
    expect(await runner.list()).toMatchObject([{ name: "noted", failure: { count: 1, firstAt: clock.now() } }]);
    runner.wake("noted");

    await clock.advance(36_000);
    const [failing] = await runner.list();
    await clock.advance(40_000);

    expect(since(ticks)).toEqual([0, 5_000, 15_000, 35_000, 75_000]);
    expect(failing?.failure).toMatchObject({ count: 4, firstAt: START, lastAt: START + 35_000 });
    expect(failing?.failure?.message).toHaveLength(1_024);
    expect(await runner.list()).toEqual([{ name: "noted" }]);
    await runner.stop();
  });

  it("publish in the name of a user of another system", async () => {
    const { clock, store, start } = createBench();
    const event = { id: "e1", stackId: "a", machine: "m", event: "GO", metadata: { n: 1 } };
    const results: unknown[] = [];
    const { service } = createNoted(async ({ publish }) => {
      const user = { id: "github/7", name: "octocat" };
      results.push(await publish(event, user), await publish({ ...event, stackId: "" }, user));
      return undefined;
    });
    const runner = start(service);

    await clock.advance(0);

    expect(results).toEqual([{ kind: "accepted" }, expect.objectContaining({ kind: "invalid" })]);
    const [item] = await store.takeDue({ kinds: ["event"], now: clock.now(), limit: 10, leaseMs: 1 });
    const sender = { kind: "host", id: "github/7", name: "octocat", groups: [] };
    expect(item).toMatchObject({ event: { id: "e1", actor: "octocat", sender } });
    await runner.stop();
  });

  it("publish no events that operators may not send, and none of internal machines", async () => {
    const { clock, store, start } = createBench();
    const event = { id: "e1", stackId: "a", machine: "m", metadata: {} };
    const results: unknown[] = [];
    const { service } = createNoted(async ({ publish }) => {
      const user = { id: "github/7", name: "octocat" };
      for (const name of ["REMOVE_STACK", "SETTLE_TASK", "NEXT", "APPROVE_TASK"]) {
        results.push(await publish({ ...event, event: name }, user));
      }
      results.push(await publish({ ...event, machine: "stackyard.run", event: "START" }, user));
      return undefined;
    });
    const runner = start(service);

    await clock.advance(0);

    expect(results).toEqual(results.map(() => expect.objectContaining({ kind: "invalid", code: "FORBIDDEN" })));
    expect(await store.takeDue({ kinds: ["event"], now: clock.now(), limit: 10, leaseMs: 1 })).toEqual([]);
    await runner.stop();
  });

  it("foresee what an event would do, with its sender and without a trace", async () => {
    const { clock, store, start } = createBench();
    const source = `version: 2
events: { GO: {}, STOP: { allow: "actor.id == 'github/7'" } }
states: { INIT: { on: { GO: LIVE, STOP: LIVE } }, LIVE: {} }
`;
    const { machine } = parseMachine(source, { name: "m" });
    if (machine === undefined) throw new Error("The machine has problems.");
    const event = { stackId: "a", machine: "m", event: "GO", metadata: {} };
    const results: unknown[] = [];
    const { service } = createNoted(async ({ foresee }) => {
      const octocat = { id: "github/7", name: "octocat" };
      results.push(await foresee(event, octocat));
      results.push(await foresee({ ...event, event: "STOP" }, octocat));
      results.push(await foresee({ ...event, event: "STOP" }, { id: "github/8", name: "hubot" }));
      results.push(await foresee({ ...event, event: "GONE" }, octocat));
      results.push(await foresee({ ...event, event: "REMOVE_STACK" }, octocat));
      return undefined;
    });
    const runner = start(service, { locator: createStaticLocator([{ machine, source }]) });

    await clock.advance(0);

    const refused = (code: string) => ({ kind: "refused", code, reason: expect.any(String) });
    const applied = { kind: "applied" };
    const codes = ["NOT_ALLOWED", "EVENT_UNDECLARED", "FORBIDDEN"];
    expect(results).toEqual([applied, applied, ...codes.map(refused)]);
    expect((await store.load(["a"]))[0]?.stack).toBeUndefined();
    expect((await store.queries.listHistory({ stackId: "a" }, { limit: 10 })).items).toEqual([]);
    await runner.stop();
  });

  it("read a revision once in a tick, however often they foresee", async () => {
    const { clock, store, start } = createBench();
    const source = "version: 2\nevents: [GO]\nstates: { INIT: { on: { GO: LIVE } }, LIVE: { on: { GO: LIVE } } }\n";
    const { machine } = parseMachine(source, { name: "m" });
    if (machine === undefined) throw new Error("The machine has problems.");
    await store.revisions.put({ name: "m", hash: machine.hash, source }, clock.now());
    const stack = aStack({ id: "a", machine: "m", machineHash: machine.hash, state: "LIVE" });
    await commitNow(store, aPut(stack));
    let reads = 0;
    const get: typeof store.revisions.get = (hash) => {
      reads += 1;
      return store.revisions.get(hash);
    };
    const results: unknown[] = [];
    const { service } = createNoted(async ({ foresee }) => {
      for (let n = 0; n < 3; n += 1) {
        const event = { stackId: "a", machine: "m", event: "GO", metadata: {} };
        results.push(await foresee(event, { id: "github/7", name: "octocat" }));
      }
      return undefined;
    });
    const runner = start(service, { store: { ...store, revisions: { ...store.revisions, get } } });

    await clock.advance(0);

    expect(results).toEqual([{ kind: "applied" }, { kind: "applied" }, { kind: "applied" }]);
    expect(reads).toBe(1);
    await runner.stop();
  });

  it.each([
    ["a yard with logins", { people: { issuer: "https://id.test", clientId: "c" } }, "https://id.test 00u1"],
    ["a yard without logins", {}, "00u1"],
  ])("pass on what people want, as whom they are in %s", async (_, logins, id) => {
    const { clock, store, start } = createBench();
    const user = { id: "github/7", name: "octocat", subject: "00u1" };
    const approval = { id: "e2", stackId: "web-1", machine: "m", task: "sign-off", approvalId: "web-1/i/1/sign-off/1" };
    const results: unknown[] = [];
    const { service } = createNoted(async ({ publish, approve }) => {
      await publish({ id: "e1", stackId: "web-1", machine: "m", event: "GO", metadata: {} }, user);
      const person = { ...user, groups: ["ops"] };
      results.push(await approve({ ...approval, of: "app:1", comment: "tested" }, person));
      results.push(await approve({ ...approval, stackId: "api-1" }, person));
      return undefined;
    });
    const grants = [{ to: { group: "ops" }, role: "viewer" as const, stacks: ["web-"] }];
    const runner = start(service, { access: { ...logins, grants } });

    await clock.advance(0);

    expect(results).toEqual([{ kind: "accepted" }, expect.objectContaining({ kind: "invalid", code: "FORBIDDEN" })]);
    const items = await store.takeDue({ kinds: ["event"], now: clock.now(), limit: 10, leaseMs: 1 });
    const { subject: _subject, ...host } = user;
    const person = { kind: "person", id, name: "octocat", groups: ["ops"], through: "github/7" };
    const message = { event: "APPROVE_TASK", task: { name: "sign-off" }, dispatchId: approval.approvalId };
    expect(items).toMatchObject([
      { event: { id: "e1", sender: { kind: "host", ...host, groups: [], owner: id } } },
      { event: { id: "e2", sender: person, message: { ...message, of: "app:1", reason: "tested" } } },
    ]);
    const { items: audited } = await store.records.list("audit/pending/", { limit: 10, now: clock.now() });
    const denied = { action: "denied", outcome: "denied", who: person, via: "host", code: "FORBIDDEN" };
    expect(audited).toMatchObject([
      { value: { ...denied, on: { stackId: "api-1", task: "sign-off", eventId: "e2" } } },
    ]);
    await runner.stop();
  });

  it.each([
    [[{ name: "A" }], /is not the name/],
    [[{ name: "a" }, { name: "a" }], /Two plugins/],
    [[{ name: "a", routes: [{ path: "/v1/stacks" }] }], /not one below/],
    [[{ name: "a", routes: [{ path: "/hooks/../v1" }] }], /not one below/],
    [
      [
        { name: "a", routes: [{ path: "/hooks/x" }] },
        { name: "b", routes: [{ path: "/hooks/x" }] },
      ],
      /Two services/,
    ],
  ])("are refused in case %#", (given, message) => {
    const { clock, store } = createBench();
    const services = given.map(({ name, ...rest }) => ({
      name,
      routes: ("routes" in rest ? rest.routes : []).map(({ path }) => ({
        path,
        method: "POST" as const,
        maxBytes: 1,
        answer: async () => new Response(),
      })),
    }));
    const deps = { store, clock, ids: countingIds(), locator: createStaticLocator([]), logger: silentLogger };

    const create = () => createServiceRunner({ ...deps, random: () => 0, readSecret: async () => "" }, services);

    expect(create).toThrow(expect.objectContaining({ code: "PLUGIN_INVALID" }));
    expect(create).toThrow(message);
  });
});

describe("links of services", () => {
  it("are those of all that can list them", async () => {
    const { start } = createBench();
    const link = { label: "Wake up", url: "https://yard.example.org/wake/pr-12" };
    const listed: PluginService = { name: "listed", listLinks: async ({ id }) => (id === "pr-12" ? [link] : []) };
    const failing: PluginService = {
      name: "failing",
      listLinks: async (_, { readSecret }) => {
        throw new Error(await readSecret({ env: "KEY" }));
      },
    };
    const { deps, stop } = start(listed, {}, [failing, { name: "silent" }]);

    expect(await deps.listLinks(aStack())).toEqual([link]);
    await stop();
  });
});

describe("the services of a process that does not stay", () => {
  it("are called until nothing more becomes due in its time", async () => {
    const { clock, create } = createBench();
    const { ticks, service } = createNoted(async ({ clock: own }) => own.now() + 4_000);

    const done = create([service]).tickUntil(clock.now() + 10_000);
    await clock.advance(60_000);
    await done;

    expect(since(ticks)).toEqual([0, 4_000, 8_000]);
  });

  it("are called when another one wakes them, and a failing one stops no other and is called by the next process", async () => {
    const { clock, create } = createBench();
    const { ticks, service } = createNoted();
    const waking: PluginService = {
      name: "waking",
      async tick({ clock: own, wake }) {
        await own.sleep(1_000);
        wake("noted");
        return undefined;
      },
    };
    let calls = 0;
    const failing: PluginService = {
      name: "failing",
      async tick() {
        calls += 1;
        throw new Error("no");
      },
    };
    const runner = create([failing, service, waking]);

    for (let process = 0; process < 2; process += 1) {
      const done = runner.tickUntil(clock.now() + 10_000);
      await clock.advance(20_000);
      await done;
    }

    expect([calls, since(ticks)]).toEqual([2, [0, 1_000, 20_000, 21_000]]);
    expect(await runner.list()).toContainEqual({ name: "failing", failure: expect.objectContaining({ count: 2 }) });
  });

  it("are in one process at a time, and aborted soon after its end", async () => {
    const { clock, create } = createBench();
    let inside = 0;
    const untils: number[] = [];
    const { ticks, service } = createNoted(async ({ clock: own, signal }, until) => {
      inside += 1;
      untils.push(until);
      expect(inside).toBe(1);
      await own.sleep(60_000, signal);
      inside -= 1;
      return undefined;
    });

    const done = [create([service]), create([service])].map((runner) => runner.tickUntil(clock.now() + 10_000));
    await clock.advance(20_000);
    await Promise.all(done);

    expect([since(ticks), since(untils), inside]).toEqual([[0], [10_000], 0]);
  });
});
