import { describe, expect, it } from "vitest";
import { failed, type Step } from "../ports/executor.ts";
import { createTrial } from "../testing/trial.ts";

const SOURCE = `
version: 2
events: { OPENED: {}, PUSHED: {}, SLEEP: {}, WAKE: {}, EXTENDED: {}, RETRY: {}, CLOSED: {} }
states:
  INIT: { on: { OPENED: ROLL-OUT } }
  ROLL-OUT: { tasks: [apply], on: { NEXT: LIVE, FAILED: BROKEN } }
  LIVE: { on: { PUSHED: ROLL-OUT, SLEEP: ASLEEP, CLOSED: CLEAN-UP, EXTENDED: no-op } }
  ASLEEP: { on: { WAKE: LIVE, CLOSED: CLEAN-UP, EXTENDED: no-op } }
  BROKEN: { after: [{ in: 1h, event: CLOSED }], on: { PUSHED: ROLL-OUT, CLOSED: CLEAN-UP } }
  CLEAN-UP: { tasks: [destroy], on: { NEXT: CHECKED, FAILED: LEFT } }
  LEFT: { on: { RETRY: CLEAN-UP } }
  CHECKED: { terminal: true, tasks: [check] }
tasks:
  apply: { executor: work, config: {} }
  destroy: { executor: work, config: {} }
  check: { executor: work, config: {} }
`;

/** Each promotion leads one stage on. */
const STEPS = `
version: 2
events: { OPENED: {}, PROMOTE: {}, CHECKED: {} }
states:
  INIT: { on: { OPENED: IDLE } }
  IDLE: { on: { PROMOTE: TEST } }
  TEST: { tasks: [deploy], on: { NEXT: CHECK } }
  CHECK: { tasks: [deploy], on: { NEXT: [{ action: no-op, raise: CHECKED }], CHECKED: TESTED } }
  TESTED: { on: { PROMOTE: STAGE } }
  STAGE: { tasks: [deploy], on: { NEXT: STAGED } }
  STAGED: { on: { PROMOTE: IDLE } }
tasks: { deploy: { executor: work, config: {} } }
`;

/** Its roll-out may take hours. */
const SLOW = SOURCE.replace("apply: { executor: work,", "apply: { executor: work, timeout: 6h,");

const WAITS: Step = { kind: "running", progress: {}, pollAfterMs: 60_000, message: "waits" };

/** A yard with a stack `s`, whose clean-up and roll-out can be held. */
function createYard(source = SOURCE, { fails = [] }: { readonly fails?: Iterable<string> } = {}) {
  const held = new Set<string>();
  const script = ({ task }: { readonly task: string }): Step | undefined => {
    if (held.has(task)) return WAITS;
    return [...fails].includes(task) ? failed({ code: "NO", message: "no", retryable: false }) : undefined;
  };
  const trial = createTrial({ source, script });
  let count = 0;
  return {
    ...trial,
    hold: (...tasks: string[]) => {
      for (const task of tasks) held.add(task);
    },
    /** Lets a held task end, and all that follows from it. */
    async finish(task: string) {
      held.delete(task);
      await trial.yard.advance(61_000);
    },
    /** Sends events, each after what the one before it has done. */
    async send(...events: (string | { readonly event: string; readonly metadata: Record<string, string> })[]) {
      for (const each of events) {
        count += 1;
        const message = typeof each === "string" ? { event: each } : each;
        await trial.yard.publish({ id: `e${count}`, stackId: "s", machine: "app", ...message });
        await trial.yard.advance(1);
      }
    },
    stateOf: async () => (await trial.yard.findStack("s"))?.state,
  };
}

describe("the end of a stack", () => {
  it("ends what was parked for it: a second close does not remove the next stack of that id", async () => {
    const { send, hold, finish, stateOf, listParked, listDeadLetters, listOutcomes } = createYard();
    hold("destroy");
    await send("OPENED", "CLOSED", "CLOSED", "CLOSED");
    await finish("destroy");

    await send("OPENED");

    expect(await stateOf()).toBe("LIVE");
    expect(await listParked("s")).toEqual([]);
    expect(await listDeadLetters()).toEqual([]);
    expect((await listOutcomes("s")).filter((line) => line.startsWith("CLOSED"))).toEqual([
      "CLOSED applied",
      "CLOSED ignored EVENT_REPEATED",
      "CLOSED ignored EVENT_REPEATED",
    ]);
  });

  it("dead-letters an event that was sent before the removal, even if it could begin a stack", async () => {
    const { send, stateOf, listDeadLetters, yard } = createYard();
    await send("OPENED", { event: "OPENED", metadata: { sha: "b" } }, "CLOSED");

    expect(await stateOf()).toBeUndefined();
    expect(await listDeadLetters()).toEqual(["e2 STACK_ENDED"]);
    expect((await yard.listHistory("s")).at(-1)).toMatchObject({
      eventId: "e2",
      outcome: "dead-lettered",
      reason: "The stack was removed.",
    });
  });

  it("does not keep a launch that was sent twice", async () => {
    const { send, stateOf, listParked, hold, finish } = createYard();
    hold("apply");
    await send("OPENED", "OPENED");
    expect(await listParked("s")).toEqual([]);

    await finish("apply");
    await send("CLOSED");

    expect(await stateOf()).toBeUndefined();
  });

  it("lets a reopened pull request open, in every state of the way out, with what follows", async () => {
    for (const task of ["destroy", "check"]) {
      const { send, hold, finish, yard, listDeadLetters } = createYard();
      hold(task);
      await send("OPENED", "SLEEP", "CLOSED", "OPENED", { event: "PUSHED", metadata: { sha: "b" } });

      await finish(task);

      expect(await yard.findStack("s")).toMatchObject({ state: "LIVE", metadata: { sha: "b" } });
      expect(await listDeadLetters()).toEqual([]);
    }
  });

  it("takes the last word of close, open, close, and of close, open, close, open", async () => {
    const outcomes = [];
    for (const more of [
      ["OPENED", "CLOSED"],
      ["OPENED", "CLOSED", "OPENED"],
      ["CLOSED", "OPENED"],
    ]) {
      const { send, hold, finish, stateOf } = createYard();
      hold("destroy");
      await send("OPENED", "CLOSED", ...more);
      await finish("destroy");
      outcomes.push(await stateOf());
    }

    expect(outcomes).toEqual([undefined, "LIVE", "LIVE"]);
  });

  it("lets it open also after a clean-up that a timer or a failure has begun", async () => {
    const { send, hold, finish, stateOf, yard } = createYard(SOURCE.replace("FAILED: LEFT", "FAILED: no-op"), {
      fails: ["apply"],
    });
    hold("destroy");
    await send("OPENED");
    expect(await stateOf()).toBe("BROKEN");
    await send({ event: "OPENED", metadata: { sha: "b" } });
    await yard.advance(3_500_000);
    // Another one, a minute before the timer, and one while it is cleaned up.
    await yard.advance(200_000);
    expect(await stateOf()).toBe("CLEAN-UP");
    await send("OPENED");

    await finish("destroy");

    expect(await stateOf()).toBe("BROKEN");
    expect(await yard.findStack("s")).toMatchObject({ incarnation: "e3", metadata: {} });
  });

  it("keeps it while the clean-up fails and is tried again by hand", async () => {
    const failing = new Set(["destroy"]);
    const { send, stateOf, yard } = createYard(SOURCE.replace(", FAILED: LEFT", ""), { fails: failing });
    await send("OPENED", "CLOSED", "OPENED");
    expect(await stateOf()).toBe("CLEAN-UP");
    failing.clear();

    await yard.publish({ stackId: "s", event: "RETRY_FAILED_TASKS" });
    await yard.settle();

    expect(await stateOf()).toBe("LIVE");
  });

  it.each([
    ["by a timer", [], undefined],
    ["by a timer, and closed again then", ["CLOSED"], undefined],
    ["by a person", ["RETRY"], "LIVE"],
    ["by a person, and closed again then", ["RETRY", "CLOSED"], undefined],
    ["by another close", ["CLOSED"], undefined],
  ] as const)("keeps an opening while a clean-up that has failed is repeated %s", async (how, events, state) => {
    const failing = new Set(["destroy"]);
    const left = "LEFT: { after: [{ in: 10m, event: CLOSED }], on: { RETRY: CLEAN-UP, CLOSED: CLEAN-UP } }";
    const source = SOURCE.replace("LEFT: { on: { RETRY: CLEAN-UP } }", left);
    const { send, hold, finish, stateOf, yard } = createYard(source, { fails: failing });
    await send("OPENED", "CLOSED", "OPENED");
    expect(await stateOf()).toBe("LEFT");
    failing.clear();
    hold("destroy");

    if (how.startsWith("by a timer")) await yard.advance(600_000);
    await send(...events);
    await finish("destroy");

    expect(await stateOf()).toBe(how === "by a timer" ? "LIVE" : state);
  });

  it("keeps nothing for a stack that was removed by force, unless it was on its way out", async () => {
    const { send, yard, stateOf, listDeadLetters } = createYard();
    await send("OPENED", { event: "OPENED", metadata: { sha: "b" } });

    await yard.publish({ stackId: "s", event: "REMOVE_STACK", force: true, reason: "lost" });
    await yard.settle();

    expect(await stateOf()).toBeUndefined();
    expect(await listDeadLetters()).toEqual(["e2 STACK_ENDED"]);
  });
});

describe("the beginning of a stack", () => {
  it("ends what was sent before it: a late close does not remove it", async () => {
    const { send, stateOf, listDeadLetters } = createYard();
    await send("OPENED", "CLOSED", "CLOSED", "OPENED");

    expect(await stateOf()).toBe("LIVE");
    expect(await listDeadLetters()).toEqual(["e3 STACK_ENDED"]);
  });

  it("ends a close that waited for a correction of the machine", async () => {
    const { send, stateOf, locator, listParked } = createYard();
    await send("OPENED", "CLOSED");
    locator.write("app", "version: 2\nstates: 1\n");
    await send("CLOSED");
    expect(await listParked("s")).toEqual(["e3 MACHINE_INVALID tried 1"]);
    locator.write("app", SOURCE);

    await send("OPENED");

    expect(await stateOf()).toBe("LIVE");
  });

  it("is not undone by events of the former stack that are redriven", async () => {
    const { send, hold, finish, stateOf, listDeadLetters, yard } = createYard(SLOW);
    hold("apply");
    await send("OPENED", "CLOSED");
    await yard.advance(3_700_000);
    expect(await listDeadLetters()).toEqual(["e2 EVENT_NOT_HANDLED"]);
    await finish("apply");
    await send("CLOSED", "CLOSED", "OPENED");
    expect(await listDeadLetters()).toEqual(["e2 EVENT_NOT_HANDLED", "e4 STACK_ENDED"]);

    const { items } = await yard.store.queries.listDeadLetters({}, { limit: 10 });
    await yard.store.queries.redrive(
      items.map(({ id }) => id),
      yard.clock.now(),
    );
    await yard.settle();

    expect(await stateOf()).toBe("LIVE");
    expect(new Set(await listDeadLetters())).toEqual(new Set(["e2 STACK_ENDED", "e4 STACK_ENDED"]));
  });

  it("is followed by its own events that are redriven, also those that were sent before it", async () => {
    const { send, hold, finish, stateOf, listDeadLetters, yard } = createYard(SLOW);
    hold("destroy", "apply");
    await send("OPENED");
    await finish("apply");
    hold("apply");
    await send("CLOSED", "OPENED", "SLEEP");
    await finish("destroy");
    await yard.advance(3_700_000);
    expect(await listDeadLetters()).toEqual(["e4 EVENT_NOT_HANDLED"]);
    await finish("apply");

    const { items } = await yard.store.queries.listDeadLetters({}, { limit: 10 });
    await yard.store.queries.redrive(
      items.map(({ id }) => id),
      yard.clock.now(),
    );
    await yard.settle();

    expect(await stateOf()).toBe("ASLEEP");
  });

  it("keeps an event that was sent after it and delivered before it", async () => {
    const { yard, stateOf } = createYard();
    const now = yard.clock.now();
    const queued = { stackId: "s", origin: "external" } as const;
    await yard.store.enqueue([
      { ...queued, id: "e2", receivedAt: now + 5, message: { stackId: "s", event: "CLOSED", machine: "app" } },
    ]);
    await yard.settle();
    await yard.store.enqueue([
      { ...queued, id: "e1", receivedAt: now + 1, message: { stackId: "s", event: "OPENED", machine: "app" } },
    ]);
    await yard.advance(1_000);

    expect(await stateOf()).toBeUndefined();
  });
});

describe("a repeated event", () => {
  it("is a duplicate when it is delivered again, also after the next stack of its id began", async () => {
    const { send, hold, finish, stateOf, yard } = createYard();
    hold("destroy");
    await send("OPENED", "CLOSED", "CLOSED");
    await finish("destroy");
    await send("OPENED");

    await yard.publish({ id: "e3", stackId: "s", machine: "app", event: "CLOSED" });
    await yard.settle();

    expect(await stateOf()).toBe("LIVE");
  });

  it("is not kept when it led the stack where it is: a second sleep does not follow the wake", async () => {
    const { send, stateOf, listParked } = createYard();

    await send("OPENED", "SLEEP", "SLEEP", { event: "EXTENDED", metadata: { until: "x" } }, "SLEEP", "WAKE");

    expect(await stateOf()).toBe("LIVE");
    expect(await listParked("s")).toEqual([]);
  });

  it("is kept while the run that the same one began continues: a run begins after the last (bullmq#3427, #3151, oban#1259)", async () => {
    const { send, hold, finish, stateOf, listOutcomes } = createYard();
    await send("OPENED");
    hold("apply");
    await send("PUSHED", "PUSHED", "PUSHED");

    await finish("apply");

    expect(await stateOf()).toBe("LIVE");
    expect((await listOutcomes("s")).filter((line) => line.startsWith("PUSHED"))).toEqual([
      "PUSHED applied",
      "PUSHED parked EVENT_NOT_HANDLED",
      "PUSHED ignored EVENT_REPEATED",
      "PUSHED applied",
    ]);
  });

  it("leaves the one that is kept its id and what it brings (bullmq#4030)", async () => {
    const { send, hold, finish, yard } = createYard();
    await send("OPENED");
    hold("apply");
    const push = { event: "PUSHED", metadata: { sha: "b" } };
    await send("PUSHED", push, push);

    await finish("apply");

    const applied = (await yard.listHistory("s")).filter(
      ({ event, outcome }) => event === "PUSHED" && outcome === "applied",
    );
    expect(applied.map(({ eventId, metadata }) => [eventId, metadata])).toEqual([
      ["e2", undefined],
      ["e3", { sha: "b" }],
    ]);
  });

  it("renews the hour of the one that is parked, also in a later delivery with others", async () => {
    const { send, hold, finish, stateOf, listOutcomes, listParked, yard } = createYard(SLOW);
    await send("OPENED");
    hold("apply");
    await send("PUSHED", "PUSHED");
    await yard.advance(50 * 60_000);
    await send("PUSHED");
    const renewed = await listParked("s");
    await yard.advance(50 * 60_000);
    const kept = await listParked("s");

    await finish("apply");

    expect(renewed).toEqual(["e3 EVENT_NOT_HANDLED tried 1"]);
    expect(kept).toEqual([expect.stringMatching(/^e3 EVENT_NOT_HANDLED/)]);
    expect([await stateOf(), (await listOutcomes("s")).at(-2)]).toEqual(["LIVE", "PUSHED applied"]);
  });

  it("lets the one that is parked end an hour after the last of them", async () => {
    const { send, hold, listOutcomes, yard } = createYard(SLOW);
    await send("OPENED");
    hold("apply");
    await send("PUSHED", "PUSHED");
    await yard.advance(30 * 60_000);
    await send("PUSHED");
    await yard.advance(59 * 60_000);
    const before = await listOutcomes("s");
    await yard.advance(2 * 60_000);

    expect(before.at(-1)).toBe("PUSHED ignored EVENT_REPEATED");
    expect((await listOutcomes("s")).at(-1)).toBe("PUSHED dead-lettered EVENT_NOT_HANDLED");
  });

  it("is kept as the next step of a chain: test, then stage", async () => {
    const { send, hold, finish, stateOf } = createYard(STEPS);
    hold("deploy");
    await send("OPENED", "PROMOTE", "PROMOTE");

    await finish("deploy");

    expect(await stateOf()).toBe("STAGED");
  });

  it("is not kept when the same one is parked before it, from any sender", async () => {
    const { send, hold, finish, stateOf, listParked } = createYard();
    hold("apply");

    await send("OPENED", "SLEEP", "SLEEP", "WAKE", "WAKE", "SLEEP");

    expect(await listParked("s")).toEqual([
      "e2 EVENT_NOT_HANDLED tried 1",
      "e4 EVENT_NOT_HANDLED tried 1",
      "e6 EVENT_NOT_HANDLED tried 1",
    ]);
    await finish("apply");
    expect(await stateOf()).toBe("ASLEEP");
  });

  it("is kept when another value came between, or the event brings another", async () => {
    const { send, hold, finish, yard, calls } = createYard();
    hold("apply");
    const push = (sha: string) => ({ event: "PUSHED", metadata: { sha } });

    await send("OPENED", push("a"), push("b"), push("a"));
    await finish("apply");

    expect(await yard.findStack("s")).toMatchObject({ state: "LIVE", metadata: { sha: "a" } });
    expect(calls.filter(({ task }) => task === "apply").length).toBeGreaterThanOrEqual(4);
  });
});
