import { listItems } from "@stackyard/core/rollout";
import { describe, expect, it } from "vitest";
import type { Invocation } from "./fleet-calls.ts";
import { type FleetRun, noteSent } from "./fleet-run.ts";
import { aMember, anId, aRun } from "./testing/a-run.ts";
import { findNewFailures, findUnbegun, noteInvocations, noteStatus, noteUnbegun } from "./watch-run.ts";

function anInvocation(number: number, detailedStatus: string, overrides: Partial<Invocation> = {}): Invocation {
  return { instanceId: anId(number), commandId: "c1", detailedStatus, ...overrides };
}

/** Two instances to whom command `c1` was sent at 1,000, and one that waits. */
function aRunUnderWay(state = {}): FleetRun {
  const run = aRun([aMember(1), aMember(2, { roles: [] }), aMember(3)], state);
  return noteSent(run, { chunk: 1, ids: [anId(1), anId(2)] }, { commandId: "c1", startedAt: 1_000 });
}

function note(run: FleetRun, invocations: readonly Invocation[], outputs = new Map()) {
  return listItems(noteInvocations(run, { invocations, outputs, now: 5_000 }));
}

describe("noteInvocations", () => {
  it("ends instances with what SSM says", () => {
    const links = { stdout: "https://example.com/out" };

    expect(note(aRunUnderWay(), [anInvocation(1, "Success", { links })])[0]).toEqual({
      instanceId: anId(1),
      state: "succeeded",
      roles: ["web"],
      platform: "linux",
      commandId: "c1",
      detailedStatus: "Success",
      startedAt: 1_000,
      endedAt: 5_000,
      links,
    });
  });

  it("adds what a failure left behind", () => {
    const outputs = new Map([[anId(1), { responseCode: 3, stderrTail: "boom" }]]);

    expect(note(aRunUnderWay(), [anInvocation(1, "Failed")], outputs)[0]).toMatchObject({
      state: "failed",
      code: "COMMAND_FAILED",
      responseCode: 3,
      stderrTail: "boom",
    });
  });

  it("warns of a success without roles, where roles are what is applied", () => {
    expect(note(aRunUnderWay(), [anInvocation(2, "Success")])[1]).toMatchObject({
      state: "succeeded",
      code: "NO_ROLES",
    });
    expect(note(aRunUnderWay({ byInventory: false }), [anInvocation(2, "Success")])[1]).not.toHaveProperty("code");
  });

  it("does not change running instances", () => {
    const run = aRunUnderWay();

    expect(noteInvocations(run, { invocations: [anInvocation(1, "InProgress")], outputs: new Map(), now: 1 })).toEqual(
      run,
    );
  });

  it("takes no notice of other commands on the same instances, nor of those that have ended", () => {
    const run = aRunUnderWay();
    const ended = noteInvocations(run, { invocations: [anInvocation(1, "Failed")], outputs: new Map(), now: 1 });

    expect(note(run, [anInvocation(1, "Failed", { commandId: "c0" }), anInvocation(3, "Success")])).toEqual(
      listItems(run),
    );
    expect(note(ended, [anInvocation(1, "Success")])).toEqual(listItems(ended));
  });

  it("adds instances that SSM found by targets, once", () => {
    const run = aRun([], { way: "targets" });
    const first = noteInvocations(run, {
      invocations: [anInvocation(1, "Pending"), anInvocation(2, "Success")],
      outputs: new Map(),
      now: 1,
    });

    expect(listItems(first)).toMatchObject([{ state: "running" }, { state: "succeeded", roles: [] }]);
    expect(note(first, [anInvocation(1, "Failed"), anInvocation(2, "Failed")])).toMatchObject([
      { instanceId: anId(1), state: "failed" },
      { instanceId: anId(2), state: "succeeded" },
    ]);
  });
});

describe("noteInvocations where the instances had been selected", () => {
  const run = aRun([aMember(1)], { way: "targets", isPinned: true });

  it("leaves out additional instances that SSM cannot reach: they do not run", () => {
    expect(note(run, [anInvocation(2, "Undeliverable"), anInvocation(3, "Failed")]).slice(1)).toMatchObject([
      { instanceId: anId(2), state: "skipped", code: "STATE_NOT_RUNNING" },
      { instanceId: anId(3), state: "failed", code: "COMMAND_FAILED" },
    ]);
  });

  it("leaves it out also when that shows later", () => {
    const begun = noteInvocations(run, { invocations: [anInvocation(2, "Pending")], outputs: new Map(), now: 1 });

    expect(note(begun, [anInvocation(2, "DeliveryTimedOut")])[1]).toMatchObject({ state: "skipped" });
  });

  it("does not excuse those that were selected", () => {
    expect(note(run, [anInvocation(1, "Undeliverable")])).toMatchObject([{ state: "failed", code: "UNDELIVERABLE" }]);
  });
});

describe("findNewFailures", () => {
  it("lists those whose output is worth a look, once", () => {
    const invocations = [
      anInvocation(1, "Failed"),
      anInvocation(2, "DeliveryTimedOut"),
      anInvocation(3, "ExecutionTimedOut"),
    ];
    const run = aRunUnderWay();

    expect(findNewFailures(run, invocations).map(({ instanceId }) => instanceId)).toEqual([anId(1)]);
    const noted = noteInvocations(run, { invocations, outputs: new Map(), now: 1 });
    expect(findNewFailures(noted, invocations)).toEqual([]);
  });
});

const run = aRun([], { way: "targets", fleetCommand: { commandId: "c1" } });

function noteNoteStatus(status: string, listed: number, { given = run, now = 0 } = {}) {
  return noteStatus(given, { commandId: "c1", status, targetCount: 3 }, { listed, now });
}

describe("noteStatus", () => {
  it("keeps the state of a running command", () => {
    expect(noteNoteStatus("InProgress", 1).state.fleetCommand).toEqual({ commandId: "c1", status: "InProgress" });
  });

  it("takes an end for one when all instances are listed", () => {
    expect(noteNoteStatus("Success", 3).state.fleetCommand).toEqual({ commandId: "c1", status: "Success" });
  });

  it("looks again when some are missing", () => {
    const once = noteNoteStatus("Failed", 2);
    const twice = noteNoteStatus("Failed", 2, { given: once, now: 30_000 });
    const last = noteNoteStatus("Failed", 2, { given: twice, now: 60_000 });

    expect([once, twice, last].map(({ state }) => state.fleetCommand?.status)).toEqual([
      undefined,
      undefined,
      "Failed",
    ]);
    expect(last.state.unseen).toEqual({});
  });

  it("does not wait for what is gone", () => {
    const members = [aMember(1, { state: "succeeded" }), aMember(2, { state: "failed", code: "INSTANCE_GONE" })];
    const given = aRun(members, { way: "targets", fleetCommand: { commandId: "c1" } });

    expect(noteNoteStatus("InProgress", 3, { given }).state.fleetCommand?.status).toBe("Success");
    expect(noteNoteStatus("InProgress", 2, { given }).state.fleetCommand?.status).toBe("InProgress");
  });

  it("knows nothing of a command that SSM does not list yet", () => {
    expect(noteStatus(run, undefined, { listed: 0, now: 0 })).toBe(run);
  });
});

const listed = [{ instanceId: anId(1), commandId: "c1", detailedStatus: "Success" }];

function aSentRun(state = {}): FleetRun {
  const run = aRun([aMember(1), aMember(2)], state);
  return noteSent(run, { chunk: 1, ids: [anId(1), anId(2)] }, { commandId: "c1", startedAt: 1_000 });
}

/** At the third look. */
function noteNoteUnbegun(status: string, run = aSentRun({ unseen: { c1: { looks: 2, lookedAt: 30_000 } } })) {
  return noteUnbegun(run, { commandId: "c1", status }, { invocations: listed, now: 60_000 });
}

describe("findUnbegun", () => {
  it("lists commands with instances that are missing for longer than SSM's delay", () => {
    expect(findUnbegun(aSentRun(), listed, 15_000)).toEqual([]);
    expect(findUnbegun(aSentRun(), listed, 16_000)).toEqual(["c1"]);
    expect(findUnbegun(aSentRun(), [...listed, { ...listed[0], instanceId: anId(2) } as never], 60_000)).toEqual([]);
  });
});

describe("noteUnbegun", () => {
  it("waits for a running command", () => {
    const run = aSentRun();

    expect(noteNoteUnbegun("InProgress", run)).toBe(run);
  });

  it("looks again before it ends them", () => {
    const first = noteNoteUnbegun("Success", aSentRun());

    expect(listItems(first)).toEqual(listItems(aSentRun()));
    expect(first.state.unseen).toEqual({ c1: { looks: 1, lookedAt: 60_000 } });
  });

  it("lets them wait again at once when the account has too many under way, after a pause", () => {
    const { state, ...run } = noteNoteUnbegun("Rate Exceeded", aSentRun());

    expect(listItems(run)).toMatchObject([{ state: "running" }, { state: "not-sent" }]);
    expect(listItems(run)[1]).not.toHaveProperty("commandId");
    expect(state).toMatchObject({ refusals: 1, pausedUntil: 90_000 });
  });

  it("gives up after many such refusals", () => {
    expect(noteNoteUnbegun("RateExceeded", aSentRun({ refusals: 20 })).state.stop).toMatchObject({
      code: "SSM_THROTTLED",
      retryable: true,
    });
  });

  it.each([
    ["Failed", "cancelled", "TERMINATED"],
    ["Cancelled", "cancelled", "TERMINATED"],
    ["Success", "failed", "UNDELIVERABLE"],
    ["DeliveryTimedOut", "failed", "UNDELIVERABLE"],
  ])("ends them with a command that ended as %s", (status, state, code) => {
    expect(listItems(noteNoteUnbegun(status))[1]).toMatchObject({
      state,
      code,
      detailedStatus: status,
      endedAt: 60_000,
    });
  });
});
