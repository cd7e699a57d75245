import { describe, expect, it } from "vitest";
import { StackyardError } from "../errors/stackyard-error.ts";
import { createMemoryStore } from "../memory/memory-store.ts";
import type { Store } from "../ports/store.ts";
import { countingIds, createFakeClock } from "../testing/fake-clock.ts";
import { createRecordingLogger } from "../testing/recording-logger.ts";
import { aQueuedEvent } from "../testing/store-conformance/store-builders.ts";
import { createTrialLocator } from "../testing/trial.ts";
import { createEngine, type EngineOptions } from "./engine.ts";

const SOURCE = `
version: 1
events: [GO, POISON]
states:
  INIT: {on: {GO: [{action: advance, state: ON}], POISON: [{action: advance, state: ON}]}}
  ON: {on: {GO: [], POISON: []}}
tasks: {}
`;

function createBench(wrap: (store: Store) => Store = (store) => store, options: EngineOptions = {}) {
  const memory = createMemoryStore();
  const logger = createRecordingLogger();
  const locator = createTrialLocator(new Map(), { app: SOURCE });
  const deps = { locator, executors: new Map(), clock: createFakeClock(), ids: countingIds(), logger };
  const engine = createEngine({ ...deps, store: wrap(memory) }, options);
  return {
    memory,
    logger,
    locator,
    engine,
    handle: (...events: readonly (readonly [stackId: string, event: string, deliveries?: number])[]) =>
      engine.handle(
        events.map(([stackId, event, deliveries = 1], place) => ({
          event: aQueuedEvent(`e${place}`, { stackId, message: { stackId, event, machine: "app" } }),
          deliveries,
        })),
      ),
    listLines: async (stackId: string) =>
      (await memory.queries.listHistory({ stackId }, { limit: 100 })).items.map(
        ({ event, outcome }) => `${event} ${outcome}`,
      ),
  };
}

/** A store that cannot write what an event of this name does. */
function cannotWrite(name: string, error: Error): (store: Store) => Store {
  return (store) => ({
    ...store,
    commit(changes) {
      const isPoison = changes.some(({ history }) => {
        return history.some(({ event, outcome }) => event === name && outcome !== "dead-lettered");
      });
      return isPoison ? Promise.reject(error) : store.commit(changes);
    },
  });
}

const poisoned = cannotWrite("POISON", new RangeError("too long"));
const kinds = (outcomes: readonly { readonly kind: string }[]) => outcomes.map(({ kind }) => kind);

describe("a call of the engine", () => {
  it("writes the changes of many stacks in one commit", async () => {
    let commits = 0;
    const { handle } = createBench((store) => ({
      ...store,
      commit(changes) {
        commits += 1;
        return store.commit(changes);
      },
    }));

    const outcomes = await handle(["a", "GO"], ["b", "GO"], ["a", "GO"]);

    expect([kinds(outcomes), commits]).toEqual([["done", "done", "done"], 1]);
  });

  it("does not touch the store for nothing", async () => {
    let calls = 0;
    const count =
      <Args extends readonly unknown[], Result>(run: (...args: Args) => Result) =>
      (...args: Args) => {
        calls += 1;
        return run(...args);
      };
    const { engine } = createBench((store) => ({ ...store, load: count(store.load), commit: count(store.commit) }));

    expect([await engine.handle([]), calls]).toEqual([[], 0]);
  });

  // riverqueue/river#1059, collectiveidea/delayed_job#1035, openzim/zimfarm#826: one locked row stopped everything.
  it("has only the events of a locked stack delivered again, and writes the others", async () => {
    const { handle, listLines } = createBench(cannotWrite("POISON", new StackyardError("STACK_LOCKED", "by 7")));

    const outcomes = await handle(["a", "GO"], ["b", "POISON", 100], ["c", "GO"]);

    expect(kinds(outcomes)).toEqual(["done", "retry", "done"]);
    expect([await listLines("a"), await listLines("b"), await listLines("c")]).toEqual([
      ["GO applied"],
      [],
      ["GO applied"],
    ]);
  });

  it("decides again after a conflict, on the state that was stored since", async () => {
    let others = 3;
    const { handle, listLines } = createBench((store) => ({
      ...store,
      async commit(changes) {
        others -= 1;
        return others >= 0 ? changes.map(() => ({ kind: "conflict" })) : store.commit(changes);
      },
    }));

    expect(kinds(await handle(["a", "GO"]))).toEqual(["done"]);
    expect(await listLines("a")).toEqual(["GO applied"]);
  });

  it("decides an event on the stack that came with it, and on a load once that is outdated", async () => {
    let loads = 0;
    const { engine, listLines } = createBench((store) => ({
      ...store,
      load(ids) {
        loads += 1;
        return store.load(ids);
      },
    }));
    const deliver = (id: string) => {
      const event = aQueuedEvent(id, { stackId: "a", message: { stackId: "a", event: "GO", machine: "app" } });
      return engine.handle([{ event, deliveries: 1, loaded: { stackId: "a", version: 0, parked: [] } }]);
    };

    await deliver("e1");
    const before = loads;
    await deliver("e2");

    expect([before, loads, await listLines("a")]).toEqual([0, 1, ["GO applied", "GO applied"]]);
  });

  it("gives up after many conflicts, for the transport to deliver again", async () => {
    const { handle } = createBench((store) => ({
      ...store,
      commit: async (changes) => changes.map(() => ({ kind: "conflict" })),
    }));

    expect(await handle(["a", "GO"])).toEqual([
      { kind: "retry", reason: "Other writers changed the stack again and again." },
    ]);
  });

  it("has everything delivered again when the store does not answer, and sets nothing aside for it", async () => {
    const { handle, memory } = createBench(cannotWrite("GO", new StackyardError("STORE_UNAVAILABLE", "busy")));

    const outcomes = await handle(["a", "GO", 99], ["b", "GO", 99]);

    expect(outcomes).toEqual([
      { kind: "retry", reason: "STORE_UNAVAILABLE: busy" },
      { kind: "retry", reason: "STORE_UNAVAILABLE: busy" },
    ]);
    expect((await memory.queries.stats()).deadLetters).toBe(0);
  });

  it("works the other stacks when one of them cannot be written", async () => {
    const { handle, listLines } = createBench(poisoned);

    const outcomes = await handle(["a", "GO"], ["b", "POISON"], ["c", "GO"]);

    expect(kinds(outcomes)).toEqual(["done", "retry", "done"]);
    expect([await listLines("a"), await listLines("b"), await listLines("c")]).toEqual([
      ["GO applied"],
      [],
      ["GO applied"],
    ]);
  });

  it("works what is before an event that cannot be written, and nothing of its stack behind it", async () => {
    const { handle, listLines } = createBench(poisoned);

    const outcomes = await handle(["a", "GO"], ["a", "POISON"], ["a", "GO"]);

    expect(kinds(outcomes)).toEqual(["done", "retry", "retry"]);
    expect(await listLines("a")).toEqual(["GO applied"]);
  });

  it("dead-letters an event that failed to be written too often, and continues behind it", async () => {
    const { handle, listLines, memory, logger } = createBench(poisoned, { maxDeliveries: 3 });

    const outcomes = await handle(["a", "GO"], ["a", "POISON", 3], ["a", "GO"]);

    expect(kinds(outcomes)).toEqual(["done", "done", "done"]);
    expect(await listLines("a")).toEqual(["GO applied", "POISON dead-lettered", "GO applied"]);
    expect((await memory.queries.listDeadLetters({}, { limit: 9 })).items).toMatchObject([
      { event: { id: "e1" }, code: "INTERNAL", reason: "Failed 3 times, last with: too long" },
    ]);
    expect(logger.list("warn")).toEqual(["An event was dead-lettered."]);
  });

  it("sets an event aside whose stack cannot be read too often, and works the others", async () => {
    const unreadable = new StackyardError("STORE_CORRUPT", "no JSON");
    const { handle, listLines, memory } = createBench(
      (store) => ({
        ...store,
        load: (ids) => (ids.includes("a") ? Promise.reject(unreadable) : store.load(ids)),
      }),
      { maxDeliveries: 3 },
    );

    expect(kinds(await handle(["a", "GO", 2], ["b", "GO"]))).toEqual(["retry", "done"]);
    expect(kinds(await handle(["a", "GO", 3]))).toEqual(["done"]);

    expect((await memory.queries.listDeadLetters({ stackId: "a" }, { limit: 9 })).items).toMatchObject([
      { event: { id: "e0" }, reason: "Failed 3 times, last with: STORE_CORRUPT: no JSON" },
    ]);
    expect([await listLines("a"), await listLines("b")]).toEqual([["GO dead-lettered"], ["GO applied"]]);
  });

  it("never rejects, also when the store cannot even be read", async () => {
    const { handle } = createBench((store) => ({ ...store, load: () => Promise.reject(new Error("no disk")) }));

    expect(kinds(await handle(["a", "GO", 99], ["b", "GO"]))).toEqual(["retry", "retry"]);
  });

  it("has an event delivered again whose machine cannot be looked up, with what is behind it", async () => {
    const { handle, locator, listLines } = createBench();
    const find = locator.find;
    let failures = 1;
    Object.assign(locator, {
      find: (name: string) => {
        failures -= 1;
        return failures === 0 ? Promise.reject(new Error("disk")) : find(name);
      },
    });

    const outcomes = await handle(["a", "GO"], ["a", "GO"], ["b", "GO"]);

    expect(kinds(outcomes)).toEqual(["retry", "retry", "done"]);
    expect([await listLines("a"), await listLines("b")]).toEqual([[], ["GO applied"]]);
  });

  it("logs what it did with the ids of stack and event, and nothing of metadata and messages", async () => {
    const { engine, logger } = createBench();
    const message = { stackId: "a", event: "GO", machine: "app", metadata: { token: "s3cret" } };

    await engine.handle([{ event: aQueuedEvent("e1", { stackId: "a", message }), deliveries: 1 }]);
    await engine.handle([
      { event: aQueuedEvent("e2", { stackId: "a", message: { ...message, event: "ELSE" } }), deliveries: 1 },
    ]);

    expect(logger.lines).toEqual([
      {
        level: "debug",
        message: "An event was decided.",
        fields: { stackId: "a", eventId: "e1", event: "GO", outcome: "applied", to: "ON" },
      },
      {
        level: "warn",
        message: "An event was dead-lettered.",
        fields: {
          stackId: "a",
          eventId: "e2",
          event: "ELSE",
          outcome: "dead-lettered",
          code: "EVENT_UNDECLARED",
          reason: 'Machine "app" declares no event "ELSE".',
          from: "ON",
          to: "ON",
        },
      },
    ]);
    expect(JSON.stringify(logger.lines)).not.toContain("s3cret");
  });
});
