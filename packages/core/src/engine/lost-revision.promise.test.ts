import { describe, expect, it } from "vitest";
import { listWaits } from "../machine/who-wakes.ts";
import { createMemoryStore } from "../memory/memory-store.ts";
import { silentLogger } from "../ports/executor.ts";
import type { Store } from "../ports/store.ts";
import { countingIds, createFakeClock } from "../testing/fake-clock.ts";
import { aQueuedEvent } from "../testing/store-conformance/store-builders.ts";
import { createTrialLocator } from "../testing/trial.ts";
import { createEngine } from "./engine.ts";

const toSource = (revision: "pin" | "follow") => `
version: 2
revision: ${revision}
events: [GO, NOTE, END]
states:
  INIT: { on: { GO: LIVE } }
  LIVE: { on: { NOTE: no-op, END: GONE } }
  GONE: { terminal: true }
`;

/** A stack whose stored revision and document can be taken away, as by a failover that loses commits. */
async function createBench(revision: "pin" | "follow") {
  const memory = createMemoryStore();
  const bench = { isKept: true };
  const get: typeof memory.revisions.get = async (hash) => (bench.isKept ? memory.revisions.get(hash) : undefined);
  const store: Store = { ...memory, revisions: { ...memory.revisions, get } };
  const clock = createFakeClock();
  const executors = new Map();
  const source = toSource(revision);
  const locator = createTrialLocator(executors, { app: source });
  const start = () => createEngine({ store, locator, executors, clock, ids: countingIds(), logger: silentLogger });
  let engine = start();
  async function send(event: string) {
    await clock.advance(10_000);
    const message = { stackId: "s", event, machine: "app" };
    await engine.handle([{ event: aQueuedEvent(`e-${event}`, { stackId: "s", message }), deliveries: 1 }]);
  }
  async function sweep() {
    for (let worked = 1; worked > 0; ) worked = await engine.sweep();
  }
  async function restart() {
    await clock.advance(10_000);
    engine = start();
    await sweep();
  }
  async function read() {
    const { items } = await store.queries.listStacks({ needsPerson: true }, { limit: 10 });
    const [stack] = (await store.load(["s"])).map((loaded) => loaded.stack);
    const waits = stack === undefined ? [] : listWaits(stack);
    return { needsPerson: items.length === 1, code: stack?.heldBack?.code, waits };
  }
  await send("GO");
  return Object.assign(bench, { locator, source, send, sweep, restart, read, store });
}

const LOST = { needsPerson: true, code: "REVISION_LOST", waits: [{ what: "stalled", waker: "person" }] };
const WELL = { needsPerson: false, code: undefined, waits: [] };

describe("a stack whose revision is lost", () => {
  it.each(["pin", "follow"] as const)("needs a person once an event has shown it (%s)", async (revision) => {
    const bench = await createBench(revision);
    bench.locator.write("app", undefined);
    bench.isKept = false;
    await bench.restart();
    await bench.send("NOTE");

    expect(await bench.read()).toEqual(LOST);
  });

  it("needs a person while the newest revision lacks its state, and also after an upgrade to that was refused", async () => {
    const bench = await createBench("follow");
    bench.locator.write("app", bench.source.replaceAll("LIVE", "DONE"));
    bench.isKept = false;
    await bench.restart();
    const started = await bench.read();
    await bench.send("NOTE");
    const sent = await bench.read();
    await bench.send("UPGRADE_STACK");

    expect([started, sent, await bench.read()]).toEqual([LOST, LOST, LOST]);
  });

  it("needs a person from the start of a server on, without an event, and no longer after the next start", async () => {
    const bench = await createBench("pin");
    bench.locator.write("app", undefined);
    bench.isKept = false;

    await bench.restart();
    const lost = await bench.read();
    bench.isKept = true;
    await bench.restart();

    expect([lost, await bench.read()]).toEqual([LOST, WELL]);
  });

  it("needs nobody any more as soon as the document is back, and when an event is decided again", async () => {
    const bench = await createBench("follow");
    bench.locator.write("app", undefined);
    bench.isKept = false;
    await bench.restart();
    const lost = await bench.read();
    bench.locator.write("app", bench.source);
    await bench.send("NOTE");

    expect([lost, await bench.read()]).toEqual([LOST, WELL]);
  });

  it("is not one whose document is gone, which continues with its stored revision to its end", async () => {
    const bench = await createBench("follow");
    bench.locator.write("app", undefined);
    await bench.restart();
    const before = await bench.read();
    await bench.send("END");

    expect(before).toEqual(WELL);
    expect((await bench.store.load(["s"]))[0]?.stack).toBeUndefined();
  });
});
