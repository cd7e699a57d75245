import assert from "node:assert/strict";
import type { Sender } from "../../access/sender.ts";
import { type Bulks, createBulks } from "../../bulk/run-bulks.ts";
import { createStaticLocator } from "../../engine/built-in-ports.ts";
import { createEngine } from "../../engine/engine.ts";
import { drainStore } from "../../engine/relay.ts";
import { parseMachine } from "../../machine/parse-machine.ts";
import type { Clock } from "../../ports/clock.ts";
import { silentLogger } from "../../ports/executor.ts";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import { createCrashingStore } from "../crashing-store.ts";
import { countingIds } from "../fake-clock.ts";
import { storeCase, T0 } from "./store-builders.ts";

/** A machine that shows in the state of a stack how often it was toggled. */
const SWITCH = `
version: 1
events: [LAUNCH, TOGGLE]
states:
  INIT: { on: { LAUNCH: [{ action: advance, state: LOW }] } }
  LOW: { on: { TOGGLE: [{ action: advance, state: HIGH }] } }
  HIGH: { on: { TOGGLE: [{ action: advance, state: LOW }] } }
tasks: {}
`;
const ADA: Sender = { kind: "person", id: "ada", name: "ada", groups: [] };
const HOUR_MS = 3_600_000;
/** Longer than every lease of what a dead process had received. */
const RESTART_MS = 60_000;
const NO_OUTBOX = { drain: async () => 0 };
/** Calls that change what a bulk operation reads. A crash after any other is one before the next of these. */
const WRITES: ReadonlySet<string> = new Set(["put", "remove", "enqueue", "commit"]);

/** Creates a clock that does not wait. */
function createHastyClock(): Clock & { skip(ms: number): void } {
  let now = T0;
  return {
    now: () => now,
    async sleep(ms) {
      now += ms;
    },
    skip(ms) {
      now += ms;
    },
  };
}

interface Process {
  readonly bulks: Bulks;
  launch(stackIds: readonly string[]): Promise<void>;
}

/** Starts a process that runs bulk operations and decides their events. */
function startProcess(store: Store, clock: Clock, name: string): Process {
  const { machine } = parseMachine(SWITCH, { name: "switch", executors: new Map() });
  assert.ok(machine);
  const ids = countingIds(name);
  const executors = new Map();
  const locator = createStaticLocator([{ machine, source: SWITCH }]);
  const engine = createEngine({ store, locator, executors, clock, ids, logger: silentLogger });
  const drain = () => drainStore({ store, handle: engine.handle, outbox: NO_OUTBOX, clock }, clock.now() + HOUR_MS);
  const bell = {
    count: 0,
    async wait(_count: number, ms: number) {
      if ((await drain()) === 0) await clock.sleep(ms);
    },
  };
  return {
    bulks: createBulks({ store, clock, ids, logger: silentLogger, bell }),
    async launch(stackIds) {
      const queued = stackIds.map((stackId) => {
        const message = { stackId, event: "LAUNCH", machine: "switch" };
        return { id: `launch-${stackId}`, stackId, origin: "external", receivedAt: clock.now(), message } as const;
      });
      await store.enqueue(queued);
      await drain();
    },
  };
}

/** Starts a bulk operation in a process and carries it out, as far as both live. */
async function runBulk(store: Store, clock: Clock, { id, stackIds }: BulkRun): Promise<void> {
  const starter = startProcess(store, clock, `starter of ${id}`).bulks;
  // It would look for work by itself, all the time.
  await starter.stop();
  await starter.start({ id, operation: "send", filter: {}, message: { event: "TOGGLE" }, sender: ADA }, stackIds);
  await continueBulks(store, clock, `carrier of ${id}`);
}

async function continueBulks(store: Store, clock: Clock, name: string): Promise<void> {
  await startProcess(store, clock, name).bulks.continueUntil(clock.now() + HOUR_MS);
}

interface BulkRun {
  readonly id: string;
  readonly stackIds: readonly string[];
}

/** The promises of a store for bulk operations. */
export const bulkCases: readonly ConformanceCase<Store>[] = [
  storeCase("continues a bulk operation after a crash at any write, and applies each item once", async (store) => {
    const clock = createHastyClock();
    const runs: BulkRun[] = [];
    for (let died = true; died; ) {
      const dieAt = runs.length + 1;
      const id = `B${dieAt}`;
      const stackIds = [1, 2].map((n) => `${id}-${n}`);
      await startProcess(store, clock, `setup ${dieAt}`).launch(stackIds);
      let writes = 0;
      const mortal = createCrashingStore(store, (name) => {
        if (WRITES.has(name)) writes += 1;
        return writes === dieAt && WRITES.has(name) ? "after" : undefined;
      });
      await runBulk(mortal.store, clock, { id, stackIds }).catch(() => undefined);
      died = mortal.isDead();
      clock.skip(RESTART_MS);
      await continueBulks(store, clock, `heir of ${id}`);
      runs.push({ id, stackIds });
    }

    const { bulks } = startProcess(store, clock, "reader");
    const found = await Promise.all(runs.map(async (run) => ({ ...run, bulk: (await bulks.find(run.id))?.bulk })));
    // A process that dies while it stores the items has started nothing.
    const started = found.filter(({ bulk }) => bulk !== undefined);
    assert.deepEqual(
      started.map(({ bulk }) => [bulk?.status, bulk?.counts]),
      started.map(() => ["done", { applied: 2 }]),
    );
    assert.deepEqual([found.length - started.length, started.length > 8], [2, true]);
    for (const { stackIds, bulk } of found) {
      const loaded = await store.load(stackIds);
      const state = bulk === undefined ? "LOW" : "HIGH";
      assert.deepEqual(
        loaded.map(({ stack }) => stack?.state),
        [state, state],
      );
    }
    for (const stackId of started.flatMap(({ stackIds }) => stackIds)) {
      const { items } = await store.queries.listHistory({ stackId }, { limit: 100 });
      assert.equal(items.filter(({ event, outcome }) => event === "TOGGLE" && outcome === "applied").length, 1);
    }
  }),
];
