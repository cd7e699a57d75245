import { describe, expect, it } from "vitest";
import type { FoundMachine } from "../aggregate/stack-input.ts";
import type { Machine } from "../machine/machine.ts";
import type { Stack } from "../machine/stack.ts";
import { createMemoryStore } from "../memory/memory-store.ts";
import type { LocatedMachine, Locator } from "../ports/locator.ts";
import { aMachine, anEvent, aStack } from "../testing/builders.ts";
import { createFakeClock } from "../testing/fake-clock.ts";
import { createMachineFinder } from "./machine-finder.ts";

const OLD = "a".repeat(64);
const NEW = "b".repeat(64);
const OTHER = "c".repeat(64);

const pinned = (hash: string, events: readonly string[] = [], name = "web") =>
  aMachine({ INIT: { on: { LAUNCH: [] } }, UP: {} }, { name, hash, revision: "pin", version: 2, events });

/** A yard of hand-made revisions: their sources are their hashes. */
async function createBench(newest: Machine | "invalid" | "unknown", kept: readonly Machine[] = []) {
  const { revisions } = createMemoryStore();
  const machines = new Map(kept.map((machine) => [machine.hash, machine]));
  for (const { name, hash } of kept) await revisions.put({ name, hash, source: hash });
  let located = toLocated(newest);
  const asked: string[] = [];
  const locator: Locator = {
    async find(_name, options) {
      asked.push(options?.fresh ? "fresh" : "cached");
      return located;
    },
    list: async () => [{ name: "web", located, origin: "test" }],
  };
  const finder = createMachineFinder({
    ...{ locator, revisions, clock: createFakeClock() },
    compile: ({ source }) => machines.get(source),
  });
  return {
    ...{ finder, revisions, asked, machines },
    locate(next: Machine | "invalid" | "unknown") {
      located = toLocated(next);
    },
    find: (event: Parameters<typeof anEvent>, stack: Partial<Stack> = {}) =>
      finder.find("web", aStack({ machine: "web", state: "UP", machineHash: OLD, ...stack }), anEvent(...event)),
  };
}

function toLocated(machine: Machine | "invalid" | "unknown"): LocatedMachine {
  if (machine === "unknown") return { kind: "unknown" };
  if (machine === "invalid") return { kind: "invalid", problems: [] };
  return { kind: "found", machine, revision: { name: "web", hash: machine.hash, source: machine.hash }, problems: [] };
}

function hashOf(found: FoundMachine): string {
  return found.kind === "found" ? found.machine.hash : `${found.code}: ${found.reason}`;
}

describe("a stack that keeps its revision", () => {
  it("is decided on it, whatever is the newest, and without asking for it", async () => {
    for (const newest of [pinned(NEW), "invalid", "unknown"] as const) {
      const { find, asked } = await createBench(newest, [pinned(OLD)]);

      expect(hashOf(await find(["LAUNCH"]))).toBe(OLD);
      expect(asked).toEqual([]);
    }
  });

  it("begins on the newest one", async () => {
    const { finder, revisions } = await createBench(pinned(NEW), [pinned(OLD)]);

    const found = await finder.find("web", undefined, anEvent("LAUNCH", { machine: "web" }));
    await finder.keep(NEW);

    expect(hashOf(found)).toBe(NEW);
    expect((await revisions.get(NEW))?.hash).toBe(NEW);
  });

  it("says of an event that only the newest declares that an upgrade comes first", async () => {
    const { find } = await createBench(pinned(NEW, ["TESTED"]), [pinned(OLD)]);

    const [known, unknown] = [await find(["TESTED"]), await find(["ELSE"])];

    expect(known).toMatchObject({
      machine: { hash: OLD },
      undeclared: { code: "EVENT_UNDECLARED", reason: expect.stringContaining("`stackyard stacks upgrade pr-12`") },
    });
    expect(unknown).not.toHaveProperty("undeclared");
  });

  it("waits for its revision where that no longer compiles, instead of taking another", async () => {
    const { find, machines } = await createBench(pinned(NEW), [pinned(OLD)]);
    machines.delete(OLD);

    expect(hashOf(await find(["LAUNCH"]))).toMatch(/^MACHINE_INVALID: The revision aaaaaaaaaaaa of "web"/);
  });

  it("takes the newest where it has none, as a row that was taken over", async () => {
    const { find } = await createBench(pinned(NEW));

    expect(hashOf(await find(["LAUNCH"]))).toBe(NEW);
  });

  it("is told from one that follows by its own revision", async () => {
    const follows = { ...pinned(OLD), revision: "follow" } as const;
    const { find, finder } = await createBench(pinned(NEW), [follows]);

    expect(hashOf(await find(["LAUNCH"]))).toBe(NEW);
    expect([await finder.pins(OLD), await finder.pins(OTHER)]).toEqual([false, false]);
    expect(await (await createBench(pinned(NEW), [pinned(OLD)])).finder.pins(OLD)).toBe(true);
  });
});

describe("an upgrade", () => {
  it("goes to the newest revision, past the cache", async () => {
    const { find, asked, finder, revisions } = await createBench(pinned(NEW), [pinned(OLD)]);

    const found = await find(["UPGRADE_STACK"]);
    await finder.keep(NEW);

    expect([hashOf(found), asked]).toEqual([NEW, ["fresh"]]);
    expect((await revisions.get(NEW))?.hash).toBe(NEW);
  });

  it("goes to a kept revision that it names", async () => {
    const { find } = await createBench("invalid", [pinned(OLD), pinned(OTHER)]);

    expect(hashOf(await find(["UPGRADE_STACK", { to: OTHER }]))).toBe(OTHER);
  });

  it("goes to the newest by its name", async () => {
    const { find } = await createBench(pinned(NEW), [pinned(OLD)]);

    expect(hashOf(await find(["UPGRADE_STACK", { to: NEW }]))).toBe(NEW);
  });

  it.each([
    [
      "a revision that nobody knows",
      pinned(NEW),
      OTHER,
      /^MACHINE_UNKNOWN: No revision cccccccccccc .* The newest one is b+\.$/,
    ],
    ["no revision, while the machine is gone", "unknown", undefined, /^MACHINE_UNKNOWN: There is no machine "web"\./],
    ["no revision, while the newest has errors", "invalid", undefined, /^MACHINE_INVALID: /],
  ] as const)("is refused where it names %s", async (_, newest, to, answer) => {
    const { find } = await createBench(newest, [pinned(OLD)]);

    expect(hashOf(await find(["UPGRADE_STACK", to === undefined ? {} : { to }]))).toMatch(answer);
  });

  it("is refused for the revision of another machine", async () => {
    const { find } = await createBench(pinned(NEW), [pinned(OLD), pinned(OTHER, [], "db")]);

    expect(hashOf(await find(["UPGRADE_STACK", { to: OTHER }]))).toMatch(/^MACHINE_UNKNOWN: /);
  });

  it("is refused for a revision that no longer compiles", async () => {
    const { find, machines } = await createBench(pinned(NEW), [pinned(OLD), pinned(OTHER)]);
    machines.delete(OTHER);

    expect(hashOf(await find(["UPGRADE_STACK", { to: OTHER }]))).toMatch(/^MACHINE_INVALID: /);
  });

  it("does not exist for runs, which have revisions of their own", async () => {
    const { finder } = await createBench(pinned(NEW));
    const run = aStack({ machine: "stackyard.run", machineHash: OLD });

    expect(hashOf(await finder.find("stackyard.run", run, anEvent("UPGRADE_STACK")))).toMatch(
      /^MACHINE_UNKNOWN: A run/,
    );
  });
});
