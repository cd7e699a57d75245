import { describe, expect, it } from "vitest";
import { parseMachine } from "../machine/parse-machine.ts";
import { createSimulation, readStep } from "./simulation.ts";

const SOURCE = `
version: 2
events: { OPENED: {}, PUSHED: {}, MERGED: {} }
metadata:
  password: { type: string, sensitive: true }
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [network, db], on: { NEXT: LIVE, FAILED: BROKEN } }
  LIVE: { on: { PUSHED: BUILD, MERGED: GONE }, after: [{ in: 3h, event: MERGED }] }
  BROKEN: { on: { PUSHED: BUILD } }
  GONE: { terminal: true }
tasks:
  network: { executor: work, config: {} }
  db: { executor: work, config: {}, needs: [network], timeout: 10m, retry: { attempts: 3, backoff: { from: 1s, to: 1s } } }
`;
const OTHER = SOURCE.replace("NEXT: LIVE", "NEXT: CHECK").replace("  LIVE:", "  CHECK: {}\n  LIVE:");

function compile(source: string) {
  const { machine, problems } = parseMachine(source, { name: "app" });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  return machine;
}

const machine = compile(SOURCE);
const NOW = "2026-11-22T09:00:00.000Z";

/** Its database has failed once, and runs for the second time since five minutes. */
const BUILDING = {
  id: "pr-1",
  machine: "app",
  hash: machine.hash,
  now: NOW,
  state: "BUILD",
  previousState: "INIT",
  metadata: { password: "***", image: "a:1" },
  visits: { BUILD: 1 },
  entry: 1,
  enteredAt: "2026-11-22T08:50:00.000Z",
  tasks: [
    { name: "network", status: "SATISFIED" },
    { name: "db", status: "PENDING", detail: "RUNNING" },
  ],
  attempts: [
    { task: "network", entry: 1, attempt: 1 },
    { task: "db", entry: 1, attempt: 2, dispatchedAt: "2026-11-22T08:55:00.000Z", executor: "work" },
  ],
  failures: { db: 1 },
  timers: [],
};

const start = (kept = [machine]) => createSimulation(new Map([["app", machine]]), { kept });

describe("a simulation that begins with a stack", () => {
  it("shows it as it was, with its instant and without sensitive values", () => {
    const simulation = start();

    expect(simulation.step({ stack: BUILDING })).toMatchObject({
      step: 1,
      outcome: "applied",
      stack: { id: "pr-1", state: "BUILD", previousState: "INIT", metadata: { password: "***", image: "a:1" } },
      dispatched: [],
      others: [],
    });
    expect(simulation.step({ advance: "1m" })).toMatchObject({ outcome: "ignored" });
  });

  it("continues with the attempt that runs: its result, and the retries that are left", () => {
    const simulation = start();
    simulation.step({ stack: BUILDING });

    expect(simulation.step({ task: "db", result: "failed", retryable: true })).toMatchObject({
      stack: { state: "BUILD", tasks: [{}, { name: "db", detail: "RETRYING" }] },
    });
    expect(simulation.step({ advance: "1s" })).toMatchObject({ dispatched: ["db"] });
    // It was the third.
    expect(simulation.step({ task: "db", result: "failed", retryable: true })).toMatchObject({
      stack: { state: "BROKEN" },
    });
  });

  it("ends an attempt at its deadline, counted from when it was sent", () => {
    const simulation = start();
    simulation.step({ stack: BUILDING });

    expect(simulation.step({ advance: "4m" })).not.toHaveProperty("fired.0");
    expect(simulation.step({ advance: "2m" }).fired?.[0]).toMatchObject({
      at: "2026-11-22T09:05:00.000Z",
      timer: "deadline",
      task: "db",
    });
  });

  it("fires timers, and enters states as often as they were entered", () => {
    const simulation = start();
    const timers = [{ id: "4/after/0", event: "MERGED", dueAt: "2026-11-22T10:00:00.000Z" }];
    const live = { id: "pr-2", machine: "app", hash: machine.hash, now: NOW, state: "LIVE", entry: 4, timers };
    simulation.step({ stack: live });

    const line = simulation.step({ advance: "2h" });

    expect(line).toMatchObject({ outcome: "removed", fired: [{ at: "2026-11-22T10:00:00.000Z", event: "MERGED" }] });
  });

  it("takes a stack that a person has written, in the newest revision and at the clock", () => {
    const simulation = start();

    expect(simulation.step({ stack: { id: "pr-3", machine: "app", state: "LIVE" } })).toMatchObject({
      outcome: "applied",
    });
    expect(simulation.step({ event: { event: "PUSHED", stackId: "pr-3" } })).toMatchObject({
      stack: { state: "BUILD" },
      dispatched: ["network"],
    });
  });

  it("compares what came after the stack with another revision", () => {
    const other = compile(OTHER);
    const simulation = createSimulation(new Map([["app", machine]]), {
      revisions: new Map([["next/app.yaml", { name: "app", machine: other }]]),
    });
    simulation.step({ stack: BUILDING });
    simulation.step({ task: "db", result: "succeeded" });
    simulation.step({ load: "next/app.yaml" });

    expect(simulation.step({ upgrade: "pr-1", dryRun: true }).differences).toEqual([
      {
        step: 2,
        event: "TASK_COMPLETED",
        before: { outcome: "applied", state: "LIVE", dispatched: [] },
        after: { outcome: "applied", state: "CHECK", dispatched: [] },
      },
    ]);
  });

  it("has an earlier revision only where that is loaded", () => {
    const older = compile(OTHER);
    const stack = { ...BUILDING, hash: older.hash };

    expect(start().step({ stack })).toMatchObject({
      outcome: "refused",
      code: "MACHINE_UNKNOWN",
      reason: `The revision ${older.hash.slice(0, 12)} of "app" is not loaded. Load its document before this step.`,
    });
    expect(start([older]).step({ stack })).toMatchObject({ outcome: "applied" });
  });

  it.each([
    ["an unknown machine", { ...BUILDING, machine: "ap" }, "MACHINE_UNKNOWN", /"app"/],
    ["an unknown state", { ...BUILDING, state: "NOWHERE" }, "STATE_UNKNOWN", /no state "NOWHERE"/],
    ["a text for an instant", { ...BUILDING, now: "yesterday" }, "EVENT_INVALID", /stack\/now/],
    ["attempts of another form", { ...BUILDING, attempts: { db: 2 } }, "EVENT_INVALID", /stack\/attempts/],
    ["metadata that is not flat", { ...BUILDING, metadata: { a: {} } }, "EVENT_INVALID", /stack\/metadata/],
    ["an id", "pr-1", "EVENT_INVALID", /"stack" is not a stack/],
    ["null", null, "EVENT_INVALID", /"stack" is not a stack/],
  ])("refuses %s", (_, stack, code, reason) => {
    const line = start().step({ stack });

    expect(line).toMatchObject({ outcome: "refused", code, reason: expect.stringMatching(reason) });
    expect(readStep({ stack }, undefined).kind).toBe(code === "EVENT_INVALID" ? "none" : "stack");
  });

  it("refuses a stack that is there already, and never turns the clock back for others", () => {
    const simulation = start();
    simulation.step({ stack: BUILDING });

    expect(simulation.step({ stack: BUILDING })).toMatchObject({ outcome: "refused", code: "EVENT_INVALID" });
    simulation.step({ stack: { ...BUILDING, id: "pr-9", now: "2020-01-01T00:00:00Z" } });
    expect(simulation.step({ advance: "6m", stackId: "pr-1" }).fired?.[0]).toMatchObject({
      at: "2026-11-22T09:05:00.000Z",
    });
  });
});
