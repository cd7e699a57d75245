import { describe, expect, it } from "vitest";
import { type FleetRun, listInstances, noteSent } from "./fleet-run.ts";
import { findUnbegun, noteUnbegun } from "./note-unbegun.ts";
import { aMember, anId, aRun } from "./testing/a-run.ts";

const listed = [{ instanceId: anId(1), commandId: "c1", detailedStatus: "Success", links: {} }];

function aSentRun(state = {}): FleetRun {
  const run = aRun([aMember(1), aMember(2)], state);
  return noteSent(run, { chunk: 1, ids: [anId(1), anId(2)] }, { commandId: "c1", startedAt: 1_000 });
}

function note(status: string, run = aSentRun()) {
  return noteUnbegun(run, { commandId: "c1", status }, { invocations: listed, now: 60_000 });
}

describe("findUnbegun", () => {
  it("names commands of which somebody is missing for longer than SSM is late", () => {
    expect(findUnbegun(aSentRun(), listed, 15_000)).toEqual([]);
    expect(findUnbegun(aSentRun(), listed, 16_000)).toEqual(["c1"]);
    expect(findUnbegun(aSentRun(), [...listed, { ...listed[0], instanceId: anId(2) } as never], 60_000)).toEqual([]);
  });
});

describe("noteUnbegun", () => {
  it("waits for a command that goes on", () => {
    const run = aSentRun();

    expect(note("InProgress", run)).toBe(run);
  });

  it("lets them wait again when the account has too many under way, after a pause", () => {
    const { state, ...run } = note("Rate Exceeded");

    expect(listInstances({ state, ...run })).toMatchObject([{ state: "running" }, { state: "not-sent" }]);
    expect(listInstances({ state, ...run })[1]).not.toHaveProperty("commandId");
    expect(state).toMatchObject({ refusals: 1, pausedUntil: 90_000 });
  });

  it("gives up after many such refusals", () => {
    expect(note("RateExceeded", aSentRun({ refusals: 20 })).state.stop).toMatchObject({
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
    expect(listInstances(note(status))[1]).toMatchObject({ state, code, detailedStatus: status, endedAt: 60_000 });
  });
});
