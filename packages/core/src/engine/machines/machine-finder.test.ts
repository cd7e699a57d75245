import { describe, expect, it } from "vitest";
import type { FoundMachine } from "../../aggregate/stack-input.ts";
import type { Machine } from "../../machine/machine.ts";
import { parseMachine } from "../../machine/parse-machine.ts";
import type { Stack } from "../../machine/stack.ts";
import { createMemoryStore } from "../../memory/memory-store.ts";
import type { LocatedMachine, Locator } from "../../ports/locator.ts";
import { aMachine, anEvent, aStack } from "../../testing/builders.ts";
import { createFakeClock } from "../../testing/fake-clock.ts";
import { createSimulator } from "../../testing/simulator.ts";
import { createTrial, TRIAL_SOURCE } from "../../testing/trial.ts";
import { createMachineFinder } from "./machine-finder.ts";

const opened = { id: "e1", stackId: "pr-1", event: "OPENED", machine: "app" };
const WITH_UNDERSCORE = TRIAL_SOURCE.replace("PUSHED, ", "PUSHED, TEST_DONE, ").replace(
  "LIVE:\n    on: {",
  "LIVE:\n    on: {TEST_DONE: [{action: advance, state: BUILD}], ",
);

describe("the machine of an event", () => {
  it("is read without the cache before an event with an underscore is reported as undeclared", async () => {
    const { yard, locator } = createTrial();
    await yard.publish(opened);
    await yard.settle();

    await yard.publish({ stackId: "pr-1", event: "TEST_DONE" });
    await yard.settle();

    expect(locator.asked).toContain("app fresh");
    expect(WITH_UNDERSCORE).toContain("TEST_DONE: [");
  });

  it("that is unknown is reported with a similar known name", async () => {
    const { yard } = createTrial();

    await yard.publish({ ...opened, machine: "apq" });
    await yard.publish({ ...opened, id: "e2", stackId: "pr-2", machine: "else" });
    await yard.settle();

    const reasons = [...(await yard.listHistory("pr-1")), ...(await yard.listHistory("pr-2"))].map(
      ({ reason }) => reason,
    );
    expect(reasons).toEqual(['Unknown machine "apq". Did you mean "app"?', 'Unknown machine "else".']);
  });

  it("that is unknown is reported even when the names cannot be listed", async () => {
    const { yard, locator } = createTrial();
    locator.list = () => Promise.reject(new Error("no folder"));

    await yard.publish({ ...opened, machine: "apq" });
    await yard.settle();

    expect((await yard.listHistory("pr-1")).map(({ reason }) => reason)).toEqual(['Unknown machine "apq".']);
  });

  it("is never another machine's revision under the name of the jobs' machine", async () => {
    const { yard, listParked } = createTrial();
    await yard.publish(opened);
    await yard.settle();
    const hash = (await yard.findStack("pr-1"))?.machineHash;

    const message = { stackId: "pr-2", event: "OPENED", machine: "stackyard.run", revision: hash };
    await yard.store.enqueue([{ id: "e9", stackId: "pr-2", origin: "external", receivedAt: 0, message, own: true }]);
    await yard.settle();

    expect(await yard.findStack("pr-2")).toBeUndefined();
    expect(await listParked("pr-2")).toEqual(["e9 MACHINE_UNKNOWN tried 1"]);
  });

  it("parks an event that only a newer revision declares while the stack stays on its last one", async () => {
    const { yard, locator, listParked } = createTrial();
    await yard.publish(opened);
    await yard.settle();
    const newer = TRIAL_SOURCE.replaceAll("LIVE", "UP").replace("PUSHED, ", "PUSHED, TESTED, ");

    locator.write("app", newer);
    await yard.publish({ id: "e2", stackId: "pr-1", event: "TESTED" });
    await yard.settle();
    const whileNewer = await listParked("pr-1");
    locator.write("app", "version: 1");
    await yard.publish({ id: "e3", stackId: "pr-1", event: "ELSE" });
    await yard.settle();
    const whileInvalid = await listParked("pr-1");

    expect(whileNewer[0]).toMatch(/^e2 EVENT_NOT_HANDLED/);
    expect(whileInvalid.map((line) => line.replace(/ tried.*/, ""))).toEqual([
      "e2 EVENT_NOT_HANDLED",
      "e3 MACHINE_INVALID",
    ]);
  });
});

describe("the finder of upgrades", () => {
  const OLD = "a".repeat(64);

  const NEW = "b".repeat(64);

  const OTHER = "c".repeat(64);

  const pinned = (hash: string, events: readonly string[] = [], name = "web") =>
    aMachine({ INIT: { on: { LAUNCH: [] } }, UP: {} }, { name, hash, revision: "pin", version: 2, events });

  /** A yard of hand-made revisions: their sources are their hashes. */
  async function createBench(newest: Machine | "invalid" | "unknown", kept: readonly Machine[] = []) {
    const { revisions } = createMemoryStore();
    const machines = new Map(kept.map((machine) => [machine.hash, machine]));
    for (const { name, hash } of kept) await revisions.put({ name, hash, source: hash }, 0);
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
      locator,
      revisions,
      clock: createFakeClock(),
      compile: ({ source }) => machines.get(source),
    });
    return {
      finder,
      revisions,
      asked,
      machines,
      locate(next: Machine | "invalid" | "unknown") {
        located = toLocated(next);
      },
      find: (event: Parameters<typeof anEvent>, stack: Partial<Stack> = {}) =>
        finder.find({
          name: "web",
          stack: aStack({ machine: "web", state: "UP", machineHash: OLD, ...stack }),
          event: anEvent(...event),
        }),
    };
  }

  function toLocated(machine: Machine | "invalid" | "unknown"): LocatedMachine {
    if (machine === "unknown") return { kind: "unknown" };
    if (machine === "invalid") return { kind: "invalid", problems: [] };
    return {
      kind: "found",
      machine,
      revision: { name: "web", hash: machine.hash, source: machine.hash },
      problems: [],
    };
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

    it("is decided without I/O once its revision is compiled, but for what only the newest may know", async () => {
      const { finder, find } = await createBench(pinned(NEW, ["TESTED"]), [pinned(OLD)]);
      const stack = aStack({ machine: "web", state: "UP", machineHash: OLD });
      const findNow = (...event: Parameters<typeof anEvent>) =>
        finder.findNow({ name: "web", stack, event: anEvent(...event) });

      expect(findNow("NEXT")).toBeUndefined();
      const found = await find(["NEXT"]);

      expect(findNow("NEXT")).toEqual(found);
      expect(["TESTED", "UPGRADE_STACK"].map((name) => findNow(name))).toEqual([undefined, undefined]);
      expect(finder.findNow({ name: "web", stack: undefined, event: anEvent("NEXT") })).toBeUndefined();
    });

    it("begins on the newest one", async () => {
      const { finder, revisions } = await createBench(pinned(NEW), [pinned(OLD)]);

      const found = await finder.find({
        name: "web",
        stack: undefined,
        event: anEvent("LAUNCH", { machine: "web" }),
      });
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

    it("is distinguished from a following stack by its own revision", async () => {
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
        "an unknown revision",
        pinned(NEW),
        OTHER,
        /^MACHINE_UNKNOWN: No revision cccccccccccc .* The newest one is b+\.$/,
      ],
      ["no revision, while the machine is gone", "unknown", undefined, /^MACHINE_UNKNOWN: Unknown machine "web"\./],
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

    it("is rejected for jobs, which have revisions of their own", async () => {
      const { finder } = await createBench(pinned(NEW));
      const run = aStack({ machine: "stackyard.run", machineHash: OLD });

      expect(hashOf(await finder.find({ name: "stackyard.run", stack: run, event: anEvent("UPGRADE_STACK") }))).toMatch(
        /^MACHINE_UNKNOWN: A job/,
      );
    });
  });
});

describe("a stack that follows its machine, while servers read different documents", () => {
  const newer = TRIAL_SOURCE.replace("PUSHED, ", "PUSHED, TESTED, ");

  it("continues with its stored revision when the document is gone, up to its end", async () => {
    const { yard, locator, listParked } = createTrial();
    await yard.publish(opened);
    await yard.settle();

    locator.write("app", undefined);
    await yard.publish({ id: "e2", stackId: "pr-1", event: "ELSE" });
    await yard.settle();
    const unknown = (await listParked("pr-1")).map((line) => line.replace(/ tried.*/, ""));
    await yard.publish({ id: "e3", stackId: "pr-1", event: "MERGED" });
    await yard.settle();

    expect(unknown).toEqual(["e2 MACHINE_UNKNOWN"]);
    expect(await yard.findStack("pr-1")).toBeUndefined();
  });

  // As in camunda/camunda#16152: an older process must not ignore what only the newer version knows.
  it("does not move back to a document that was seen before, and an event that only the later one declares waits", async () => {
    const { yard, locator, listParked } = createTrial();
    await yard.publish(opened);
    await yard.settle();
    const first = (await yard.findStack("pr-1"))?.machineHash;
    await yard.advance(60_000);
    locator.write("app", newer);
    await yard.publish({ ...opened, id: "e2", stackId: "pr-2" });
    await yard.settle();
    const second = (await yard.findStack("pr-2"))?.machineHash;

    // Now a server that still has the first document.
    locator.write("app", TRIAL_SOURCE);
    await yard.publish({ id: "e3", stackId: "pr-2", event: "RETRY_PENDING_TASKS" });
    await yard.publish({ id: "e4", stackId: "pr-1", event: "TESTED" });
    await yard.settle();

    expect(second).not.toBe(first);
    expect((await yard.findStack("pr-2"))?.machineHash).toBe(second);
    expect((await listParked("pr-1")).map((line) => line.replace(/ tried.*/, ""))).toEqual(["e4 EVENT_NOT_HANDLED"]);
  });
});

const toSource = (pattern: string) => `
version: 2
revision: pin
events: [OPENED, PUSHED, TAGGED, MERGED]
metadata:
  tag: { type: string, pattern: "${pattern}", default: v1 }
  note: {}
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { PUSHED: LIVE, TAGGED: LIVE, MERGED: GONE }, after: [{ in: 10m, event: MERGED }] }
  GONE: {}
tasks:
  none: { executor: lambda, config: { name: run } }
`;

const LOOKS_AHEAD = toSource("^(?=v)v([a-z0-9]+)+$");

/** As a version located it that let such patterns in. */
function locateOld(source: string): LocatedMachine {
  const { machine, problems } = parseMachine(source, { name: "app", kept: true });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  return { kind: "found", machine, revision: { name: "app", hash: machine.hash, source }, problems: [] };
}

describe("a stack on a revision whose pattern cannot be searched in linear time", () => {
  it("refuses events that need the pattern, handles all others, and can be upgraded", async () => {
    let located = locateOld(LOOKS_AHEAD);
    const yard = createSimulator({
      machines: [],
      executors: [],
      locator: { find: async () => located, list: async () => [] },
    });
    const send = async (id: string, event: string, metadata: object = {}) => {
      await yard.publish({ id, stackId: "pr-1", event, machine: "app", metadata });
      await yard.settle();
    };
    await send("e1", "OPENED");
    const invalid = parseMachine(LOOKS_AHEAD, { name: "app" });
    located = { kind: "invalid", problems: invalid.problems };

    await send("e2", "TAGGED", { tag: `v${"a".repeat(40)}!` });
    await send("e3", "PUSHED", { note: "continued" });
    const [loaded] = await yard.store.load(["pr-1"]);
    located = locateOld(toSource("^v[a-z0-9]+$"));
    await send("e4", "TAGGED", { tag: "v2" });
    await send("e5", "UPGRADE_STACK");
    await yard.advance(11 * 60_000);

    expect(invalid.problems.map(({ code }) => code)).toContain("pattern-not-linear");
    expect(loaded?.parked.map(({ event, code }) => [event.id, code])).toEqual([["e2", "PATTERN_NOT_LINEAR"]]);
    const history = await yard.listHistory("pr-1");
    expect(history.map(({ event, outcome, code }) => [event, outcome, code ?? ""].join(" ").trim())).toEqual([
      "OPENED applied",
      "TAGGED parked PATTERN_NOT_LINEAR",
      "PUSHED applied",
      "TAGGED parked PATTERN_NOT_LINEAR",
      "UPGRADE_STACK applied",
      "TAGGED dead-lettered METADATA_INVALID",
      "TAGGED applied",
      "MERGED applied",
    ]);
    expect(await yard.findStack("pr-1")).toMatchObject({ state: "GONE", metadata: { tag: "v2", note: "continued" } });
  });
});
