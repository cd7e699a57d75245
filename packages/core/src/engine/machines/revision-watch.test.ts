import { describe, expect, it } from "vitest";
import type { Stack } from "../../machine/stack.ts";
import { createMemoryStore } from "../../memory/memory-store.ts";
import { silentLogger } from "../../ports/executor.ts";
import type { LocatedMachine, Locator } from "../../ports/locator.ts";
import type { ParkedEvent } from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";
import { aMachine } from "../../testing/builders.ts";
import { countingIds, createFakeClock } from "../../testing/fake-clock.ts";
import { createScriptedExecutor } from "../../testing/run-executor.ts";
import {
  aChange,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  commitNow,
  SECOND,
  T0,
} from "../../testing/store-conformance/store-builders.ts";
import { createTrialLocator, TRIAL_SOURCE } from "../../testing/trial.ts";
import { systemClock } from "../built-in-ports.ts";
import { createEngine } from "../engine.ts";
import { createRevisionWatch } from "./revision-watch.ts";

describe("the watch for new revisions", () => {
  function aRevision(hash: string): LocatedMachine {
    const machine = aMachine({ INIT: {} }, { name: "web", hash });
    return { kind: "found", machine, revision: { name: "web", hash, source: "" }, problems: [] };
  }

  function createBench() {
    const store = createMemoryStore();
    let present: LocatedMachine = aRevision("h1");
    let looks = 0;
    const locator: Locator = {
      find: async () => {
        looks += 1;
        return present;
      },
      list: async () => [],
    };
    const pinned = new Set<string>();
    const pins = async (hash: string) => pinned.has(hash);
    const isUsable = async () => true;
    const watch = createRevisionWatch({ locator, store, pins, isUsable, clock: { ...systemClock, now: () => T0 } });
    return {
      store,
      watch,
      pinned,
      looks: () => looks,
      put(located: LocatedMachine) {
        present = located;
      },
      /** Puts a stack of the machine there that has something parked. */
      begin: (id: string, stack: Partial<Stack> = {}, parked: Partial<ParkedEvent> = {}) => {
        const event = aQueuedEvent(`e-${id}`, { stackId: id });
        const park = [aParkedEvent(`e-${id}`, { event, ...parked })];
        return commitNow(store, aPut({ id, machine: "web", ...stack }, { park }));
      },
      /** Parks an event that would create its stack. */
      parkAbsent(id: string, { machine = "web", ...parked }: Partial<ParkedEvent> & { readonly machine?: string }) {
        const message = { event: "PUSH", stackId: id, machine };
        const event = aQueuedEvent(`e-${id}`, { stackId: id, message });
        return commitNow(store, aChange({ stackId: id, park: [aParkedEvent(`e-${id}`, { event, ...parked })] }));
      },
      /** The watch of a process that starts later. */
      restart(over: Store = store) {
        const clock = { ...systemClock, now: () => T0 + SECOND };
        const later = createRevisionWatch({ locator, store: over, pins, isUsable, clock });
        return async () => (await later.takeRevised()).map(({ stackId }) => stackId);
      },
      takeIds: async () => (await watch.takeRevised()).map(({ stackId }) => stackId),
    };
  }

  describe("the watch for revisions", () => {
    it("checks nothing before an event was decided", async () => {
      const { looks, takeIds } = createBench();

      expect([await takeIds(), await takeIds(), looks()]).toEqual([[], [], 0]);
    });

    it("gives the stacks of a machine that has changed, once", async () => {
      const { watch, begin, put, takeIds } = createBench();
      await begin("s1");
      await begin("s2");
      watch.note("web", aRevision("h1"));
      const before = await takeIds();

      put(aRevision("h2"));

      expect([before, await takeIds(), await takeIds()]).toEqual([[], ["s1", "s2"], []]);
    });

    it("leaves the stacks alone that keep their revision", async () => {
      const { store, watch, pinned, begin, put, takeIds } = createBench();
      await begin("s1");
      pinned.add("h-old");
      await commitNow(store, aPut({ id: "s2", machine: "web", machineHash: "h-old" }));
      watch.note("web", aRevision("h1"));

      put(aRevision("h2"));

      expect(await takeIds()).toEqual(["s1"]);
    });

    it("notices a change that an event was decided on before", async () => {
      const { watch, begin, put, takeIds } = createBench();
      await begin("s1");
      watch.note("web", aRevision("h1"));
      put(aRevision("h2"));

      watch.note("web", aRevision("h2"));

      expect(await takeIds()).toEqual(["s1"]);
    });

    it.each([{ kind: "unknown" }, { kind: "invalid", problems: [] }] as const)(
      "notices the return of a machine that was %j",
      async (missing) => {
        const { watch, begin, takeIds } = createBench();
        await begin("s1");
        watch.note("web", aRevision("h1"));

        watch.note("web", missing);

        expect(await takeIds()).toEqual(["s1"]);
      },
    );

    it("does nothing when a machine goes", async () => {
      const { watch, begin, put, takeIds } = createBench();
      await begin("s1");
      watch.note("web", aRevision("h1"));

      put({ kind: "unknown" });

      expect(await takeIds()).toEqual([]);
    });

    it("gives stacks that do not exist yet after those that do, as long as their events wait", async () => {
      const { store, watch, begin, parkAbsent, put, takeIds } = createBench();
      await begin("s1");
      await parkAbsent("new", { code: "MACHINE_UNKNOWN" });
      await parkAbsent("other", { machine: "else" });
      await parkAbsent("gone", { code: "MACHINE_UNKNOWN" });
      await commitNow(store, aChange({ stackId: "gone", unpark: ["e-gone"] }));
      watch.note("web", { kind: "unknown" });

      put(aRevision("h2"));

      expect([await takeIds(), await takeIds(), await takeIds()]).toEqual([["s1"], ["new"], []]);
    });

    it("gives what was parked before the process started and may be decided differently now, once", async () => {
      const { begin, parkAbsent, pinned, put, restart } = createBench();
      await begin("follows", { machineHash: "h1" });
      await begin("as-before", { machineHash: "h2" });
      await begin("pinned", { machineHash: "h-pinned" });
      await begin("repaired", { machineHash: "h2" }, { code: "MACHINE_INVALID" });
      await parkAbsent("new", { code: "MACHINE_INVALID" });
      pinned.add("h-pinned");
      put(aRevision("h2"));

      const takeIds = restart();

      expect([await takeIds(), await takeIds()]).toEqual([["follows", "new", "repaired"], []]);
    });

    it("leaves alone what was parked before the start while the machine is still invalid", async () => {
      const { parkAbsent, put, restart } = createBench();
      await parkAbsent("new", { code: "MACHINE_INVALID" });
      put({ kind: "invalid", problems: [] });

      expect(await restart()()).toEqual([]);
    });

    it("begins the list again after the store has failed", async () => {
      const { store, parkAbsent, restart } = createBench();
      await parkAbsent("new", { code: "MACHINE_INVALID" });
      let fails = true;
      const takeIds = restart({
        ...store,
        load: async (ids) => {
          if (fails) throw new Error("The store fails.");
          return store.load(ids);
        },
      });

      await expect(takeIds()).rejects.toThrow("The store fails.");
      fails = false;

      expect(await takeIds()).toEqual(["new"]);
    });

    it("gives many stacks a page at a time", async () => {
      const { watch, begin, put, takeIds } = createBench();
      const ids = Array.from({ length: 300 }, (_, index) => `s${1_000 + index}`);
      for (const id of ids) await begin(id);
      watch.note("web", aRevision("h1"));
      put(aRevision("h2"));

      const pages = [await takeIds(), await takeIds(), await takeIds()];

      expect(pages.map(({ length }) => length)).toEqual([256, 44, 0]);
      expect(pages.flat()).toEqual(ids);
    });
  });

  describe("an engine, of an event that waits for its stack to be created", () => {
    const BROKEN = "version: 1\nevents: [";

    async function createEngines() {
      const store = createMemoryStore();
      const clock = createFakeClock();
      const { executor } = createScriptedExecutor("work");
      const executors = new Map([["work", executor]]);
      const locator = createTrialLocator(executors, { app: BROKEN });
      const start = () => createEngine({ store, locator, executors, clock, ids: countingIds(), logger: silentLogger });
      const engine = start();
      const message = { stackId: "pr-1", event: "OPENED", machine: "app" };
      await engine.handle([{ event: aQueuedEvent("e1", { stackId: "pr-1", message }), deliveries: 1 }]);
      await clock.advance(SECOND);
      const find = async () => {
        const [loaded] = await store.load(["pr-1"]);
        return [loaded?.stack?.state, loaded?.parked.map(({ code }) => code)];
      };
      return { engine, start, locator, find };
    }

    it("decides it again as soon as the machine is corrected", async () => {
      const { engine, locator, find } = await createEngines();
      await engine.sweep();
      const before = await find();
      locator.write("app", TRIAL_SOURCE);

      await engine.sweep();

      expect([before, await find()]).toEqual([
        [undefined, ["MACHINE_INVALID"]],
        ["BUILD", []],
      ]);
    });

    it("decides it again when it starts after the correction", async () => {
      const { start, locator, find } = await createEngines();
      locator.write("app", TRIAL_SOURCE);

      await start().sweep();

      expect(await find()).toEqual(["BUILD", []]);
    });

    it("decides it again when the machine is corrected after a restart", async () => {
      const { start, locator, find } = await createEngines();
      const engine = start();
      await engine.sweep();
      const before = await find();
      locator.write("app", TRIAL_SOURCE);

      await engine.sweep();

      expect([before, await find()]).toEqual([
        [undefined, ["MACHINE_INVALID"]],
        ["BUILD", []],
      ]);
    });
  });
});
