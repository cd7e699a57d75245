import { describe, expect, it } from "vitest";
import type { Machine } from "../machine/machine.ts";
import { aMachine } from "../testing/builders.ts";
import { createSimulation, type SimulationOptions } from "./simulation.ts";

const MINUTE = 60_000;
const idle = { dispatched: [], messages: [], cancelled: [], others: [] };

const aPreview = (sketch: Partial<Machine> = {}): Machine => ({
  ...aMachine(
    {
      INIT: { on: { OPENED: ["LIVE"], BUILT: ["BUILD"] } },
      LIVE: { on: { CLOSED: ["GONE"], KEEP: ["LIVE"] }, after: [{ inMs: 60 * MINUTE, event: "CLOSED" }] },
      BUILD: { tasks: ["db"], on: { NEXT: ["LIVE"] } },
      GONE: { terminal: true },
    },
    { tasks: { db: { timeoutMs: 10 * MINUTE, cancelWithinMs: 5 * MINUTE } } },
  ),
  ...sketch,
});

function run(steps: readonly unknown[], options: SimulationOptions = {}, machine = aPreview()) {
  const simulation = createSimulation(new Map([[machine.name, machine]]), options);
  return steps.map((step) => simulation.step(step));
}

/** Each minute its state is entered again, which is not often enough to be stopped for that. */
const circling = aMachine({
  INIT: { on: { OPENED: ["A"] } },
  A: { on: { KEEP: ["A"] }, after: [{ inMs: MINUTE, event: "KEEP" }] },
});

const open = (stackId: string, event = "OPENED") => ({ event: { stackId, event, machine: "review-app" } });

describe("a step of a simulation that lets time pass", () => {
  it("fires what is due, at its own instant, and removes the stack that it ends", () => {
    const [, early, late] = run([open("s1"), { advance: "59m" }, { advance: "2m" }]);

    expect(early).toMatchObject({ outcome: "ignored", fired: [], stack: { state: "LIVE" } });
    expect(late).toEqual({
      ...idle,
      step: 3,
      outcome: "removed",
      stack: null,
      fired: [{ at: "2030-01-01T01:00:00.000Z", stackId: "s1", timer: "after", event: "CLOSED", outcome: "removed" }],
    });
  });

  it("starts the clock at the given instant", () => {
    const [, line] = run([open("s1"), { advance: "60m" }], { now: 0 });

    expect(line?.fired?.[0]?.at).toBe("1970-01-01T01:00:00.000Z");
  });

  it("stops the clock at the last instant of a date", () => {
    const far = { advance: "99999999d" };
    const line = run([far, open("s1"), { advance: "1m" }, far, far]);

    expect(line.map(({ outcome }) => outcome)).toEqual(["ignored", "applied", "removed", "ignored", "ignored"]);
    expect(line[2]?.fired?.[0]?.at).toBe("+275760-09-13T00:00:00.000Z");
  });

  it("begins a timer again when its state is entered again", () => {
    const keep = { event: { stackId: "s1", event: "KEEP" } };
    const lines = run([open("s1"), { advance: "50m" }, keep, { advance: "50m" }, { advance: "10m" }]);

    expect(lines.map(({ outcome }) => outcome)).toEqual(["applied", "ignored", "applied", "ignored", "removed"]);
  });

  it("fires stacks of one instant in the order of their creation, and reports those that are not the subject", () => {
    const line = run([open("s2"), open("s1"), { advance: "1h", stackId: "s1" }]).at(-1);

    expect(line?.fired?.map(({ stackId }) => stackId)).toEqual(["s2", "s1"]);
    expect(line?.others).toEqual([{ id: "s2", stack: null, dispatched: [] }]);
    expect(line?.outcome).toBe("removed");
  });

  it("passes the deadline of an attempt, and confirms its cancel at once", () => {
    const [, line, again] = run([open("s1", "BUILT"), { advance: "10m" }, { advance: "1d" }]);

    expect(line?.fired).toEqual([
      {
        at: "2030-01-01T00:10:00.000Z",
        stackId: "s1",
        timer: "deadline",
        event: "TASK_TIMED_OUT",
        task: "db",
        outcome: "applied",
      },
    ]);
    expect(line?.cancelled).toEqual(["db"]);
    expect(line?.stack?.tasks).toEqual([
      expect.objectContaining({ name: "db", status: "ERROR", errorMessage: "timed out after 10m" }),
    ]);
    expect(again?.fired).toEqual([]);
  });

  it("ends an unconfirmed cancel when its time is over", () => {
    const cancel = { event: { stackId: "s1", event: "CANCEL_TASK", task: { name: "db" } } };
    const [, asked, line] = run([open("s1", "BUILT"), cancel, { advance: "5m" }]);

    expect(asked?.cancelled).toEqual(["db"]);
    expect(line?.fired?.map(({ timer, task }) => [timer, task])).toEqual([["cancel", "db"]]);
    expect(line?.stack?.tasks[0]).toMatchObject({ status: "ERROR", errorMessage: "cancelled" });
  });

  it("fires a timer once, also when its event is refused", () => {
    const machine = aMachine({ INIT: { on: { OPENED: ["A"] } }, A: { after: [{ inMs: MINUTE, event: "KEEP" }] } });

    const [, line, later] = run([open("s1"), { advance: "5m" }, { advance: "1d" }], {}, machine);

    expect(line?.fired?.map(({ outcome, code }) => [outcome, code])).toEqual([["refused", "EVENT_NOT_HANDLED"]]);
    expect(later?.fired).toEqual([]);
  });

  it("stops a timer that starts itself again endlessly", () => {
    const line = run([open("s1"), { advance: "365d" }], {}, circling).at(-1);

    expect(line?.fired?.length).toBe(10_000);
    expect(line).toMatchObject({ outcome: "applied", code: "LOOP_LIMIT", stack: { state: "A" } });
    expect(line?.reason).toBe(
      "A simulation fires at most 10000 timers; the clock is at 2030-01-07T22:40:00.000Z, and more are due.",
    );
  });

  it("counts the timers of all its steps", () => {
    const [, first, none, more] = run(
      [open("s1"), { advance: "10000m" }, { advance: "59s" }, { advance: "1s" }],
      {},
      circling,
    );

    expect([first?.fired?.length, first?.code]).toEqual([10_000, undefined]);
    expect(none).toMatchObject({ outcome: "ignored", fired: [] });
    expect(more).toMatchObject({ outcome: "ignored", code: "LOOP_LIMIT", fired: [] });
  });

  it.each([
    [{ advance: "soon" }, '"advance" must be a duration such as "15m", not "soon".'],
    [{ advance: 15 }, '"advance" must be a duration such as "15m", not 15.'],
    [{ load: 1 }, '"load" must be the path of a machine, not 1.'],
    [{ upgrade: "" }, '"upgrade" must be the id of a stack, not "".'],
    [{ upgrade: "s1", dryRun: "yes" }, '"dryRun" must be true or false, not "yes".'],
  ])("refuses the step %j", (step, reason) => {
    expect(run([step])[0]).toMatchObject({ outcome: "refused", code: "EVENT_INVALID", reason });
  });
});

describe("a step of a simulation that changes machines", () => {
  const newer = (sketch: Partial<Machine> = {}): Machine => {
    const { states } = aMachine({
      INIT: { on: { OPENED: ["LIVE"] } },
      LIVE: { on: { CLOSED: ["GONE"], KEEP: ["LIVE"] } },
      GONE: { terminal: true },
    });
    return aPreview({ hash: "1".repeat(64), states, ...sketch });
  };
  const revisions = (machine: Machine | undefined) => new Map([["new.yaml", { name: "review-app", machine }]]);
  const built = { event: { stackId: "s1", event: "BUILT", machine: "review-app" } };

  it("decides later events on the newest revision, and on the stack's last one while that lacks its state", () => {
    const steps = [
      built,
      { load: "new.yaml" },
      { task: "db", result: "succeeded" },
      { event: { stackId: "s2", event: "BUILT", machine: "review-app" } },
    ];
    const lines = run(steps, { revisions: revisions(newer()) });

    expect(lines.map(({ outcome, stack }) => [outcome, stack?.state])).toEqual([
      ["applied", "BUILD"],
      ["applied", "BUILD"],
      ["applied", "LIVE"],
      ["refused", undefined],
    ]);
  });

  it("keeps a pinned stack on its revision until it is upgraded", () => {
    const pinned = aPreview({ revision: "pin" });
    const states = new Map([...newer().states]);
    const live = states.get("LIVE");
    if (live) states.set("LIVE", { ...live, on: new Map([["KEEP", [{ advance: ["GONE"], set: new Map() }]]]) });
    const options = { revisions: revisions({ ...newer(), revision: "pin", states }) };
    const keep = { event: { stackId: "s1", event: "KEEP" } };

    const lines = run([open("s1"), { load: "new.yaml" }, keep, { upgrade: "s1" }, keep], options, pinned);

    expect(lines.map(({ outcome, stack }) => [outcome, stack?.state])).toEqual([
      ["applied", "LIVE"],
      ["applied", "LIVE"],
      ["applied", "LIVE"],
      ["applied", "LIVE"],
      ["removed", undefined],
    ]);
  });

  it("upgrades a stack by an event to a loaded revision of its own machine only", () => {
    const other = newer({ name: "other", hash: "2".repeat(64) });
    const options = {
      revisions: new Map([
        ["new.yaml", { name: "review-app", machine: newer() }],
        ["other.yaml", { name: "other", machine: other }],
      ]),
    };
    const upgrade = (to: string) => ({ event: { stackId: "s1", event: "UPGRADE_STACK", to } });

    const lines = run(
      [
        open("s1"),
        { load: "new.yaml" },
        { load: "other.yaml" },
        upgrade(other.hash),
        upgrade("3".repeat(64)),
        upgrade(newer().hash),
      ],
      options,
    );

    const refusal = (hash: string) => `No revision ${hash.slice(0, 12)} of "review-app" was loaded.`;
    expect(lines.slice(3).map(({ outcome, code, reason }) => [outcome, code, reason])).toEqual([
      ["refused", "MACHINE_UNKNOWN", refusal(other.hash)],
      ["refused", "MACHINE_UNKNOWN", refusal("3".repeat(64))],
      ["applied", undefined, undefined],
    ]);
  });

  it("reports by a dry run where the stack's events would have acted differently, and changes nothing", () => {
    const states = new Map(newer().states);
    const init = states.get("INIT");
    if (init) states.set("INIT", { ...init, on: new Map([["OPENED", [{ advance: [], set: new Map() }]]]) });
    const options = { revisions: revisions({ ...newer(), states }) };

    const lines = run([open("s1"), { load: "new.yaml" }, { upgrade: "s1", dryRun: true }], options);

    expect(lines.at(-1)).toMatchObject({
      outcome: "applied",
      stack: { state: "LIVE" },
      differences: [
        {
          step: 1,
          event: "OPENED",
          before: { outcome: "applied", state: "LIVE", dispatched: [] },
          after: { outcome: "applied", state: "INIT", dispatched: [] },
        },
      ],
    });
  });

  it("refuses to upgrade a stack whose state is missing, and to load what has errors or was not given", () => {
    const missing = run([built, { load: "new.yaml" }, { upgrade: "s1" }], { revisions: revisions(newer()) });
    const broken = run([open("s1"), { load: "new.yaml" }, { load: "x" }], { revisions: revisions(undefined) });

    expect(missing.at(-1)?.code).toBe("UPGRADE_STATE_MISSING");
    expect(broken.map(({ code }) => code)).toEqual([undefined, "MACHINE_INVALID", "MACHINE_UNKNOWN"]);
    expect(broken.map(({ stack }) => stack?.state)).toEqual(["LIVE", "LIVE", "LIVE"]);
  });
});
