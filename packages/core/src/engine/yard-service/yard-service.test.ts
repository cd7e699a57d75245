import { describe, expect, it } from "vitest";
import type { AccessConfig } from "../../access/access-config.ts";
import { attemptIdOf } from "../../machine/attempt-id.ts";
import { silentLogger } from "../../ports/executor.ts";
import { createScriptedExecutor } from "../../testing/run-executor.ts";
import { createSimulator } from "../../testing/simulator.ts";
import { createTrialLocator } from "../../testing/trial.ts";
import { createYard } from "../yard.ts";
import { provideYard } from "./provide-yard.ts";
import { type ReleaseEvent, requireYard, YARD, type YardService } from "./yard-service.ts";

const SHOP = `
version: 2
events: { STARTED: {} }
metadata: { api: { type: string } }
states: { INIT: { on: { STARTED: GO } }, GO: { tasks: [production] } }
tasks:
  production: { executor: work, config: { stacks: prod, version: "\${metadata.api}" } }
`;
const APP = `
version: 2
events: { OPENED: {}, RELEASED: { allow: "actor.machine == 'shop'" } }
metadata: { api: { type: string }, ring: { type: string }, password: { type: string, sensitive: true } }
states: { INIT: { on: { OPENED: LIVE, RELEASED: LIVE } }, LIVE: { on: { OPENED: no-op, RELEASED: LIVE } } }
`;
const ada = { kind: "person", id: "00u1", name: "ada", groups: [] } as const;

function createBench(access?: AccessConfig) {
  const { executor } = createScriptedExecutor("work", () => ({
    kind: "running",
    progress: {},
    pollAfterMs: 3_600_000,
    message: "",
  }));
  const executors = new Map([[executor.name, executor]]);
  const locator = createTrialLocator(executors, { app: APP, shop: SHOP });
  const yard = createSimulator({ machines: [], executors: [executor], locator });
  const { store, clock } = yard;
  const deps = { store, clock, locator, executors, ids: { next: () => "i" }, access };
  let sent = 0;
  async function send(stackId: string, machine: string, event: string, metadata: object = {}) {
    sent += 1;
    const message = { stackId, machine, event, metadata };
    await store.enqueue([{ id: `e${sent}`, stackId, origin: "external", receivedAt: 0, message, sender: ada }]);
    await yard.settle();
  }
  /** Starts the release `shop-1`, and returns the yard as its task sees it. */
  async function open(): Promise<YardService> {
    await send("shop-1", "shop", "STARTED", { api: "1.42.0" });
    const incarnation = (await yard.findStack("shop-1"))?.incarnation ?? "";
    const attemptId = attemptIdOf({ stackId: "shop-1", incarnation, entry: 1, task: "production", attempt: 1 });
    const service = provideYard(deps).create({ attemptId, password: async () => "" });
    return requireYard({ service: () => service as never }) as YardService;
  }
  return { yard, deps, send, open };
}

const event: ReleaseEvent = {
  stackId: "prod",
  machine: "app",
  event: "RELEASED",
  metadata: { api: "1.42.0" },
  try: 1,
  expect: 0,
  expiresAt: Number.MAX_SAFE_INTEGER,
};

describe("the yard of a task", () => {
  it("sends an event once for each try, in the name of the release and of who has requested it", async () => {
    const { yard, open } = createBench();
    const service = await open();

    const [first] = await service.send([event]);
    await yard.settle();
    await service.send([event]);
    await yard.settle();

    const eventId = service.toEventId(event);
    expect(first).toEqual({ kind: "sent", eventId });
    expect(await service.findOutcome(event)).toEqual({ outcome: "applied", at: expect.any(Number) });
    const stack = await yard.findStack("prod");
    expect(stack?.releases?.["api"]).toMatchObject({
      id: "shop-1",
      task: "production",
      event: eventId,
      value: "1.42.0",
    });
    expect(stack?.askedBy).toEqual({ kind: "stack", id: "shop-1", name: "shop-1", owner: "00u1" });
    expect((await yard.listHistory("prod")).length).toBe(1);
  });

  it("knows what became of a refused event, and another try is another event", async () => {
    const { yard, send, open } = createBench();
    const service = await open();
    await send("prod", "app", "OPENED");

    await service.send([event]);
    await yard.settle();
    const [loaded] = await service.load(["prod"]);
    await service.send([{ ...event, try: 2, expect: loaded?.version ?? 0 }]);
    await yard.settle();

    expect(await service.findOutcome(event)).toMatchObject({ outcome: "refused", code: "STACK_CHANGED" });
    expect(await service.findOutcome({ ...event, try: 2 })).toMatchObject({ outcome: "applied" });
    expect(await service.findOutcome({ ...event, try: 3 })).toBeUndefined();
  });

  it("refuses system events before they are queued", async () => {
    const { open } = createBench();
    const service = await open();

    expect(await service.send([{ ...event, event: "REMOVE_STACK" }])).toEqual([
      { kind: "refused", code: "EVENT_RESERVED", reason: expect.any(String) },
    ]);
  });

  it("selects by machine and expression; declared keys without a value are null", async () => {
    const { send, open } = createBench();
    await send("t2", "app", "OPENED", { ring: "canary" });
    await send("t1", "app", "OPENED", { ring: "canary" });
    await send("t3", "app", "OPENED");
    const service = await open();
    const select = async (where?: string, limit = 10) =>
      (await service.select({ machine: "app", limit, ...(where && { where }) })).stacks.map(({ stack }) => stack.id);

    expect(await select()).toEqual(["t1", "t2", "t3"]);
    expect(await select("metadata.ring == 'canary' && stack.state == 'LIVE'")).toEqual(["t1", "t2"]);
    await expect(select(undefined, 2)).rejects.toMatchObject({ code: "FILTER_TOO_WIDE" });
    await expect(select("metadata.ring ==")).rejects.toMatchObject({ code: "USAGE" });
    await expect(select("metadata.ring")).rejects.toMatchObject({ code: "USAGE" });
  });

  it("keeps those of given stacks that fit an expression", async () => {
    const { send, open } = createBench();
    await send("t1", "app", "OPENED", { ring: "canary" });
    await send("t2", "app", "OPENED");
    const service = await open();
    const stacks = (await service.load(["t1", "t2"])).flatMap(({ stack }) => stack ?? []);

    expect((await service.keepFitting("metadata.ring == null", stacks)).map(({ id }) => id)).toEqual(["t2"]);
    await expect(service.keepFitting("metadata.nope.x", stacks)).rejects.toMatchObject({ code: "USAGE" });
  });

  it("shows where stacks are whatever its machine may read, and nothing else about them", async () => {
    const { send, open } = createBench({ grants: [] });
    await send("prod", "app", "OPENED", { ring: "canary" });
    const service = await open();

    expect(await service.load(["prod", "nope"])).toEqual([
      { stackId: "prod", version: 0, parked: [], hidden: true },
      { stackId: "nope", version: 0, parked: [] },
    ]);
    expect(await service.findPositions(["shop-1", "prod", "nope"])).toEqual([
      { stackId: "shop-1", incarnation: "e2", state: "GO", entry: 1, pending: ["production"] },
      { stackId: "prod", incarnation: "e1", state: "LIVE", entry: 1, pending: [] },
    ]);
  });

  it("says which stacks have changed since a mark", async () => {
    const { send, open } = createBench();
    await send("t1", "app", "OPENED");
    const service = await open();
    const { mark } = await service.findChanges();
    await send("t2", "app", "OPENED");

    const changes = await service.findChanges(mark);

    expect(changes.stacks).toEqual(new Set(["t2"]));
    expect(await service.findChanges(changes.mark)).toMatchObject({ stacks: new Set() });
  });

  it("selects nothing while a stack of the machine cannot be read: it may fit", async () => {
    const { send, open, deps } = createBench();
    for (const id of ["t1", "t2", "t3"]) await send(id, "app", "OPENED");
    const service = await open();
    const { listStacks } = deps.store.queries;
    const damaged: typeof listStacks = async (...input) => {
      const page = await listStacks(...input);
      const items = page.items.filter(({ stack }) => stack.id !== "t2");
      return { ...page, items, unreadable: [{ id: "t2", reason: "It is not JSON." }] };
    };
    Object.assign(deps.store.queries, { listStacks: damaged });

    await expect(service.select({ machine: "app", limit: 9 })).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      message:
        'A stack of "app" cannot be read, so it is not known whether it fits. The list of stacks says which, and why.',
    });
  });

  it("selects by no sensitive value", async () => {
    const { send, open } = createBench();
    await send("t1", "app", "OPENED", { password: "hunter2" });
    const service = await open();

    await expect(
      service.select({ machine: "app", where: "metadata.password == 'hunter2'", limit: 9 }),
    ).rejects.toMatchObject({ code: "USAGE" });
  });

  it("previews what an event would do, and applies nothing", async () => {
    const { yard, open } = createBench();
    const service = await open();
    const [loaded] = await service.load(["prod"]);

    const change = await service.preview(loaded ?? { stackId: "prod", version: 0, parked: [] }, event);

    expect(change.write).toMatchObject({ kind: "put", stack: { state: "LIVE", metadata: { api: "1.42.0" } } });
    expect(await yard.findStack("prod")).toBeUndefined();
  });

  it("foresees what a stack would do after an event, also on a revision that no stack has yet", async () => {
    const { open } = createBench();
    const service = await open();
    const { write } = await service.preview({ stackId: "prod", version: 0, parked: [] }, event);

    const foreseen = write.kind === "put" ? await service.foresee(write.stack) : undefined;

    expect(foreseen).toEqual({ tasks: [], end: "LIVE", isWhole: true, reads: expect.stringMatching(/^[0-9a-f]{32}$/) });
  });

  it("returns its own stack, whatever its machine may read", async () => {
    const { open } = createBench({ grants: [] });

    expect(await (await open()).own()).toMatchObject({ id: "shop-1", machine: "shop", metadata: { api: "1.42.0" } });
  });

  it("previews although time passes meanwhile", async () => {
    const { open, deps } = createBench();
    let now = deps.clock.now();
    const clock = { ...deps.clock, now: () => (now += 1) };
    const own = await (await open()).own();
    const parts = { stackId: own.id, incarnation: own.incarnation, entry: 1, task: "production", attempt: 1 };
    const ticking = provideYard({ ...deps, clock }).create({
      attemptId: attemptIdOf(parts),
      password: async () => "",
    });
    const service = requireYard({ service: () => ticking as never }) as YardService;

    const { history } = await service.preview({ stackId: "prod", version: 0, parked: [] }, event);

    expect(history).toMatchObject([{ outcome: "applied" }]);
  });

  it("resolves the config of another task of its machine", async () => {
    const { open } = createBench();
    const service = await open();

    expect(await service.config("production")).toEqual({ stacks: "prod", version: "1.42.0" });
    await expect(service.config("nope")).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("belongs to a release that exists: one that was removed sends nothing", async () => {
    const { yard, send, open, deps } = createBench();
    const service = await open();
    await deps.store.enqueue([
      {
        id: "gone",
        stackId: "shop-1",
        origin: "external",
        receivedAt: 0,
        message: { stackId: "shop-1", event: "REMOVE_STACK", force: true, reason: "r" },
      },
    ]);
    await yard.settle();
    await send("shop-1", "shop", "STARTED");

    await expect(service.send([event])).rejects.toMatchObject({ code: "STACK_UNKNOWN" });
  });
});

describe("grants to a machine", () => {
  const grants = (...stacks: string[]): AccessConfig => ({
    grants: [
      { to: { machine: "shop" }, role: "operator", machines: ["app"], stacks },
      { to: { machine: "other" }, role: "admin" },
    ],
  });

  it("decide where its stacks may send, and say which grant is missing", async () => {
    const { yard, open } = createBench(grants("prod"));
    const service = await open();

    const sent = await service.send([event, { ...event, stackId: "test" }]);
    await yard.settle();

    expect(sent).toEqual([
      { kind: "sent", eventId: expect.any(String) },
      { kind: "refused", code: "FORBIDDEN", reason: expect.stringContaining("to: { machine: shop }") },
    ]);
    expect(await yard.findStack("test")).toBeUndefined();
  });

  it("decide what it sees", async () => {
    const { send, open } = createBench(grants("prod"));
    await send("prod", "app", "OPENED");
    await send("test", "app", "OPENED");
    const service = await open();

    expect((await service.load(["prod", "test"])).map(({ stack }) => stack?.id)).toEqual(["prod", undefined]);
    const { stacks, unseen } = await service.select({ machine: "app", limit: 9 });
    expect([stacks.map(({ stack }) => stack.id), unseen]).toEqual([["prod"], 1]);
  });

  it("are needed where the yard has grants: none means nothing", async () => {
    const { open } = createBench({ grants: [] });

    expect(await (await open()).send([event])).toMatchObject([{ kind: "refused", code: "FORBIDDEN" }]);
  });
});

describe("a worker with a store", () => {
  it("provides the yard to executors", async () => {
    const { yard, deps, send } = createBench();
    let isProvided: boolean | undefined;
    const probe = {
      name: "work",
      config: {},
      resumable: true,
      start: async ({ service }: { readonly service: (key: typeof YARD) => unknown }) => {
        isProvided = service(YARD) !== undefined;
        return { kind: "succeeded", outputs: {} } as const;
      },
    };
    const { worker } = createYard({ ...deps, executors: new Map([["work", probe]]), logger: silentLogger });
    await send("prod", "app", "OPENED");
    const message = { event: "STARTED", stackId: "shop-2", machine: "shop" };
    await deps.store.enqueue([{ id: "s2", stackId: "shop-2", origin: "external", receivedAt: 0, message }]);
    const { engine } = createYard({ ...deps, logger: silentLogger }, { roles: ["engine"] });
    const due = { kinds: ["event", "task"] as const, limit: 9, leaseMs: 1_000, now: yard.clock.now() };
    const take = async () => deps.store.takeDue({ ...due, kinds: [...due.kinds] });
    for (const item of await take()) {
      if (item.kind === "event")
        await engine.handle([{ event: item.event, deliveries: 1, storeReceipt: item.receipt }]);
    }
    for (const item of await take()) {
      if (item.kind === "task")
        await worker.handle({ attemptId: item.attemptId, message: item.message, deliveries: 1 });
    }

    expect(isProvided).toBe(true);
  });

  it("is needed: a runner without one fails the task", () => {
    expect(requireYard({ service: () => undefined })).toMatchObject({ code: "YARD_NEEDS_STORE", retryable: false });
  });
});
