import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import type { LocatedMachine, Locator } from "../ports/locator.ts";
import { aMachine } from "../testing/builders.ts";
import { aChange, aParkedEvent, aPut, commitNow } from "../testing/store-conformance/store-builders.ts";
import { createRevisionWatch } from "./revision-watch.ts";

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
  const watch = createRevisionWatch({ locator, store, pins: async (hash) => pinned.has(hash) });
  return {
    store,
    watch,
    pinned,
    looks: () => looks,
    put(located: LocatedMachine) {
      present = located;
    },
    /** Puts a stack of the machine there that has something parked. */
    begin: (id: string) => commitNow(store, aPut({ id, machine: "web" }, { park: [aParkedEvent(`e-${id}`)] })),
    takeIds: async () => (await watch.takeRevised()).map(({ stackId }) => stackId),
  };
}

describe("the watch for revisions", () => {
  it("looks at nothing while nothing is parked", async () => {
    const { watch, looks, takeIds } = createBench();
    watch.note("web", aRevision("h0"));

    expect([await takeIds(), looks()]).toEqual([[], 0]);
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
    "notices that a machine is back that was %j when it was asked for",
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

  it("gives stacks that are not there yet with those that are, and forgets those that wait no more", async () => {
    const { store, watch, put, takeIds } = createBench();
    await commitNow(store, aChange({ stackId: "new", park: [aParkedEvent("e")] }));
    watch.note("web", { kind: "unknown" });
    watch.noteWaiting("new", "web");
    watch.noteWaiting("other", "else");
    watch.noteWaiting("gone", "web");
    watch.noteWaiting("gone", undefined);

    put(aRevision("h2"));

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
