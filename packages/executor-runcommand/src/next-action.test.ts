import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countErrors, countNotSent, toCounts } from "./count-instances.ts";
import {
  type FleetRun,
  noteRefused,
  noteSending,
  noteSent,
  noteStopped,
  tallyOf,
  updateInstances,
} from "./fleet-run.ts";
import { MAX_CHUNKS, nextAction, nextFleetAction, PARTIAL_AFTER_MS } from "./next-action.ts";
import type { FleetInstanceReport } from "./report-page.ts";
import { aMember, anId, aRun, members } from "./testing/a-run.ts";

function actOn(run: FleetRun, now = 0, chunkSize = 50) {
  return nextAction(run, { now, chunkSize });
}

function chunksOf(run: FleetRun, now = 0, chunkSize = 50) {
  const action = actOn(run, now, chunkSize);
  return action.kind === "send" ? action.chunks : [];
}

/** The run with the first of those that run, or as many as given, ended in this way. */
function end(run: FleetRun, count: number, code?: string): FleetRun {
  let left = count;
  return updateInstances(run, (instance) => {
    if (instance.state !== "running" || left-- <= 0) return instance;
    return code === undefined ? { ...instance, state: "succeeded" } : { ...instance, state: "failed", code };
  });
}

/** Sends whatever may be sent. */
function send(run: FleetRun, now = 0, chunkSize = 50): FleetRun {
  const chunks = chunksOf(run, now, chunkSize);
  const sent = { commandId: "c", startedAt: now };
  return chunks.reduce((each, chunk) => noteSent(each, chunk, sent), noteSending(run, chunks, now));
}

describe("nextAction", () => {
  it("sends a chunk of as many as may run at once, with the limits that are left", () => {
    expect(chunksOf(aRun(members(120), { maxErrors: 3 }))).toEqual([
      {
        chunk: 1,
        ids: members(50).map(({ instanceId }) => instanceId),
        platform: "linux",
        roles: ["web"],
        maxConcurrency: "50",
        maxErrors: "3",
      },
    ]);
  });

  it("waits while all places are taken, and continues when one is free", () => {
    const first = send(aRun(members(120)));

    expect(actOn(first)).toEqual({ kind: "wait" });
    expect(actOn(end(first, 49))).toEqual({ kind: "wait" });
    expect(chunksOf(end(first, 50))[0]).toMatchObject({ chunk: 2, ids: { length: 50 }, maxConcurrency: "50" });
  });

  it("needs 20 commands for a thousand instances", () => {
    let run = aRun(members(1_000));
    while (actOn(run).kind !== "settle") run = end(send(run), 50);

    expect(run.state.nextChunk).toBe(21);
    expect(tallyOf(run).done).toBe(1_000);
  });

  it("uses free places with a smaller chunk when a slow instance holds up the fleet", () => {
    const run = end(send(aRun(members(120)), 1_000), 40);

    expect(actOn(run, 1_000 + PARTIAL_AFTER_MS - 1)).toEqual({ kind: "wait" });
    expect(chunksOf(run, 1_000 + PARTIAL_AFTER_MS)).toMatchObject([{ ids: { length: 40 }, maxConcurrency: "40" }]);
  });

  it("sends several chunks at once as far as there are places, at most twenty", () => {
    expect(chunksOf(aRun(members(300), { maxConcurrency: 120 }))).toMatchObject([
      { chunk: 1, ids: { length: 50 }, maxConcurrency: "120" },
      { chunk: 2, ids: { length: 50 }, maxConcurrency: "70" },
    ]);
    expect(chunksOf(aRun(members(2_000), { maxConcurrency: 2_000 }))).toHaveLength(MAX_CHUNKS);
  });

  it("never makes a chunk larger than the profile's", () => {
    expect(chunksOf(aRun(members(7)), 0, 3).map(({ ids }) => ids.length)).toEqual([3, 3, 1]);
  });

  it("gives other roles and platforms a command of their own", () => {
    const mixed = [aMember(1), aMember(2, { roles: ["db"] }), aMember(3, { roles: ["db"], platform: "windows" })];

    expect(chunksOf(aRun(mixed)).map(({ ids }) => ids)).toEqual([[anId(1)], [anId(2)], [anId(3)]]);
    expect(chunksOf(aRun(mixed, { byInventory: false })).map(({ ids }) => ids)).toEqual([
      [anId(1), anId(2)],
      [anId(3)],
    ]);
  });

  it("stops at one error more than the limit, and lets what runs run", () => {
    const run = send(aRun(members(120), { maxErrors: 10 }));

    expect(actOn(end(run, 10, "COMMAND_FAILED"))).toEqual({ kind: "wait" });
    const exceeded = end(run, 11, "EXECUTION_TIMEOUT");
    expect(actOn(exceeded)).toEqual({
      kind: "drop",
      stop: { code: "MAX_ERRORS_EXCEEDED", message: "11 errors exceed the limit of 10.", retryable: false },
    });
  });

  it("stops at the first failure by default, and settles when the rest has ended", () => {
    const failed = end(send(aRun(members(60))), 1, "COMMAND_FAILED");
    const action = actOn(failed);
    if (action.kind !== "drop") throw new Error(action.kind);
    const stopped = noteStopped(failed, action.stop);

    expect(toCounts(tallyOf(stopped))).toMatchObject({ failed: 1, running: 49, notSent: 10 });
    expect(actOn(stopped)).toEqual({ kind: "wait" });
    expect(actOn(end(stopped, 49))).toEqual({ kind: "settle" });
  });

  it.each(["DELIVERY_TIMEOUT", "UNDELIVERABLE", "SSM_NOT_ONLINE", "ROLE_NAME_INVALID"])(
    "continues after %s, which is not an error of a command",
    (code) => {
      expect(chunksOf(end(send(aRun(members(100))), 50, code))).toHaveLength(1);
    },
  );

  it("passes the remaining number of errors to later commands", () => {
    const run = end(end(send(aRun(members(120), { maxErrors: 5 })), 2, "COMMAND_FAILED"), 48);

    expect(chunksOf(run)).toMatchObject([{ maxErrors: "3" }]);
  });

  it("stops when a chunk was rejected", () => {
    const run = aRun(members(120), { maxConcurrency: 100 });
    const [chunk] = chunksOf(run);
    if (chunk === undefined) throw new Error("nothing to send");
    const stop = { code: "SSM_THROTTLED", message: "SSM throttles.", retryable: true };

    const refused = noteRefused(run, chunk, stop);

    expect(actOn(refused)).toEqual({ kind: "drop", stop });
    expect(actOn(noteStopped(refused, stop))).toEqual({ kind: "settle" });
    expect(countNotSent(tallyOf(noteStopped(refused, stop)))).toBe(70);
  });

  it("settles a run without instances", () => {
    expect(actOn(aRun([]))).toEqual({ kind: "settle" });
  });

  it("keeps both limits, loses no instance and sends nothing twice, in any order of events", () => {
    fc.assert(
      fc.property(fleets, (fleet) => {
        const { run, sent } = play(fleet);

        expect(actOn(run)).toEqual({ kind: "settle" });
        expect(new Set(sent).size).toBe(sent.length);
        expect(sent.length + countNotSent(tallyOf(run))).toBe(fleet.count);
      }),
      { numRuns: 60 },
    );
  });
});

const fleets = fc.record({
  count: fc.integer({ min: 0, max: 200 }),
  maxConcurrency: fc.integer({ min: 1, max: 120 }),
  maxErrors: fc.integer({ min: 0, max: 20 }),
  chunkSize: fc.integer({ min: 1, max: 50 }),
  waits: fc.array(
    fc.tuple(
      fc.integer({ min: 0, max: 90_000 }),
      fc.integer({ min: 1, max: 60 }),
      fc.constantFrom(undefined, "COMMAND_FAILED", "DELIVERY_TIMEOUT"),
    ),
    { minLength: 1, maxLength: 12 },
  ),
});

/** Runs to the end; both limits are checked after each action. */
function play(fleet: typeof fleets extends fc.Arbitrary<infer Fleet> ? Fleet : never) {
  const { maxConcurrency, maxErrors, chunkSize, waits } = fleet;
  let run = aRun(members(fleet.count), { maxConcurrency, maxErrors });
  let now = 0;
  const sent: string[] = [];
  for (let turn = 0; turn < 2_000 && actOn(run, now, chunkSize).kind !== "settle"; turn += 1) {
    const [wait = 0, ended = 1, code] = waits[turn % waits.length] ?? [];
    const chunks = chunksOf(run, now, chunkSize);
    if (chunks.length > 0) expect(countErrors(tallyOf(run))).toBeLessThanOrEqual(maxErrors);
    sent.push(...chunks.flatMap(({ ids }) => ids));
    run = act(run, now, { chunkSize, ended, code });
    expect(tallyOf(run).sent).toBeLessThanOrEqual(maxConcurrency);
    now += wait;
  }
  return { run, sent };
}

interface Turn {
  readonly chunkSize: number;
  readonly ended: number;
  readonly code: string | undefined;
}

function act(run: FleetRun, now: number, { chunkSize, ended, code }: Turn): FleetRun {
  const action = actOn(run, now, chunkSize);
  if (action.kind === "drop") return noteStopped(run, action.stop);
  return action.kind === "send" ? send(run, now, chunkSize) : end(run, ended, code);
}

function actOnFleet(given: readonly FleetInstanceReport[], status?: string, state = {}) {
  const fleetCommand = status === undefined ? {} : { fleetCommand: { commandId: "c1", status } };
  return nextFleetAction(aRun(given, { way: "targets", ...fleetCommand, ...state }));
}

const done = { state: "succeeded" } as const;

describe("nextFleetAction", () => {
  it("sends one command with the limits as they were written", () => {
    const limits = { maxConcurrency: "10%", maxErrors: "5" };

    expect(actOnFleet(members(600), undefined, { limits })).toEqual({
      kind: "send",
      chunks: [{ chunk: 1, ids: [], platform: "linux", roles: ["web"], ...limits }],
    });
  });

  it.each(["Pending", "InProgress", "Cancelling", "In Progress"])("watches a command that is %s", (status) => {
    expect(actOnFleet(members(2, done), status)).toEqual({ kind: "wait" });
  });

  it("settles when the command and its instances have ended", () => {
    expect(actOnFleet(members(2, done), "Success")).toEqual({ kind: "settle" });
    expect(actOnFleet(members(2, { state: "running" }), "Success")).toEqual({ kind: "wait" });
  });

  it("reports instances that SSM has not found as missing", () => {
    expect(actOnFleet([aMember(1, done), aMember(2)], "Success")).toEqual({ kind: "miss" });
  });

  it("drops those who were not begun because there were too many errors", () => {
    const failed = aMember(1, { state: "failed", code: "COMMAND_FAILED" });

    expect(actOnFleet([failed, aMember(2)], "Failed")).toMatchObject({
      kind: "drop",
      stop: { code: "MAX_ERRORS_EXCEEDED" },
    });
  });

  it("drops the rest of a cancelled command", () => {
    expect(actOnFleet([aMember(1)], "Cancelled")).toMatchObject({ kind: "drop", stop: { code: "TERMINATED" } });
  });

  it.each([
    ["Rate Exceeded", "SSM_THROTTLED", true],
    ["NoInstancesInTag", "NO_INSTANCES", false],
  ])("does not settle quietly what SSM never began: %s", (status, code, retryable) => {
    expect(actOnFleet([], status)).toMatchObject({ kind: "drop", stop: { code, retryable } });
    expect(actOnFleet([], status, { stop: { code, message: "", retryable } })).toEqual({ kind: "settle" });
  });
});
