import { listPages, type PageStart, silentLogger } from "@stackyard/core";
import { createBulks, createUlids, type Page, systemClock } from "@stackyard/core/engine";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type Cloud, startCloud } from "./testing/start-cloud.ts";
import { startManager } from "./testing/start-manager.ts";
import { openYard } from "./yard/open-yard.ts";

const SWITCH = `
version: 1
events: [LAUNCH, TOGGLE]
states:
  INIT: {on: {LAUNCH: [{action: advance, state: LOW}]}}
  LOW: {on: {TOGGLE: [{action: advance, state: HIGH}]}}
  HIGH: {on: {TOGGLE: [{action: advance, state: LOW}]}}
tasks: {}
`;
const STACKS = Array.from({ length: 55 }, (_, n) => `s-${n}`);

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.stop());

async function listAll<Item>(load: (start: PageStart) => Promise<Page<Item>>): Promise<readonly Item[]> {
  const found: Item[] = [];
  for await (const { items } of listPages(load)) found.push(...items);
  return found;
}

it("ticks continue a bulk operation whose command has ended, and apply each item once", async () => {
  const manager = await startManager(cloud, { machines: { switch: SWITCH } });
  await manager.play(...STACKS.map((stackId) => ({ stackId, event: "LAUNCH", machine: "switch" })));
  const { environment, queues } = manager;
  const yard = await openYard(
    {
      type: "aws",
      eventQueueUrl: queues.events,
      taskQueueUrl: queues.tasks,
      stacksTable: environment["DYNAMODB_TABLE"] ?? "",
      machines: { bucket: environment["MACHINE_S3_BUCKET"] ?? "" },
    },
    { environment: cloud.environment, logger: silentLogger },
  );
  const ids = createUlids();
  const hasSentMore = Promise.withResolvers<void>();
  let waits = 0;
  const bell = {
    count: 0,
    async wait(_count: number, ms: number, signal: AbortSignal) {
      waits += 1;
      if (waits === 1) await manager.play();
      else hasSentMore.resolve();
      await systemClock.sleep(ms, signal);
    },
  };
  const bulks = createBulks({ store: yard.store, clock: systemClock, ids, logger: silentLogger, bell });
  const sender = { kind: "aws", id: yard.caller, name: yard.caller, groups: [] } as const;
  const order = { id: ids.next(), operation: "send", filter: {}, message: { event: "TOGGLE" }, sender } as const;
  const find = async () => (await bulks.find(order.id))?.bulk;

  // The first fifty are sent and decided; the next ones are sent when the command ends.
  await bulks.start(order, STACKS);
  await hasSentMore.promise;
  await bulks.stop();
  const left = await find();
  // How much one tick can do in its time depends on the machine.
  const done = await vi.waitFor(async () => {
    await manager.tick();
    const bulk = await find();
    if (bulk?.status !== "done") throw new Error(`${bulk?.done} of ${STACKS.length} are done.`);
    return bulk;
  }, 50_000);
  // What the command has sent last still lies in the queue.
  await manager.play();

  expect(left).toMatchObject({ status: "running", done: 50 });
  expect(done).toMatchObject({ status: "done", done: STACKS.length, counts: { applied: STACKS.length } });
  const loaded = await yard.store.load(STACKS);
  expect(loaded.map(({ stack }) => stack?.state)).toEqual(STACKS.map(() => "HIGH"));
  const lines = await listAll((start) => yard.store.queries.listHistory({}, { limit: 100, ...start }));
  const applied = lines.filter(({ event, outcome }) => event === "TOGGLE" && outcome === "applied");
  expect(applied.map(({ stackId }) => stackId).toSorted()).toEqual(STACKS.toSorted());
  await yard.close();
});
