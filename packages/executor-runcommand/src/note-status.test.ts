import { describe, expect, it } from "vitest";
import { noteStatus } from "./note-status.ts";
import { aRun } from "./testing/a-run.ts";

const run = aRun([], { way: "targets", fleetCommand: { commandId: "c1" } });

function note(status: string, listed: number, given = run) {
  return noteStatus(given, { status, targetCount: 3 }, listed);
}

describe("noteStatus", () => {
  it("keeps the state of a command that goes on", () => {
    expect(note("InProgress", 1).state.fleetCommand).toEqual({ commandId: "c1", status: "InProgress" });
  });

  it("takes an end for one when all instances are listed", () => {
    expect(note("Success", 3).state.fleetCommand).toEqual({ commandId: "c1", status: "Success" });
  });

  it("looks once more when some are missing", () => {
    const once = note("Failed", 2);

    expect(once.state.fleetCommand).toEqual({ commandId: "c1", ending: "Failed" });
    expect(note("Failed", 2, once).state.fleetCommand).toMatchObject({ status: "Failed" });
  });

  it("knows nothing of a command that SSM does not list yet", () => {
    expect(noteStatus(run, undefined, 0)).toBe(run);
  });
});
