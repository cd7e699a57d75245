import type { ReleaseReport } from "@stackyard/sdk/releases";
import { beforeAll, describe, expect, it } from "vitest";
import { type Played, play } from "./play.ts";

describe("the demo", () => {
  const lines: string[] = [];
  const seen: ReleaseReport[] = [];
  let played: Played;
  beforeAll(async () => {
    played = await play({ say: (line) => void lines.push(line), picture: (report) => void seen.push(report) });
  });

  it("finds nothing that is not as it should be", () => {
    expect(played.faults).toEqual([]);
  });

  it("releases, halts, replaces and goes back", () => {
    expect(played.steps.map(({ name, run }) => [name, run?.state, run?.report?.end])).toEqual([
      ["released", "succeeded", "Success"],
      ["halted", "cancelled", "FailureClean"],
      ["replaced", "succeeded", "Success"],
      ["rolled back", "succeeded", "Success"],
      ["over", undefined, undefined],
    ]);
  });

  it("never leaves fewer than four servers in service", () => {
    const serving = played.steps.map(({ groups }) => Math.max(...groups.map(({ servers }) => servers)));

    expect(Math.min(...serving)).toBeGreaterThanOrEqual(4);
  });

  it("starts with one server, and continues only when it answers", () => {
    const { releaseId } = seen[0] ?? {};
    const ofFirst = seen.filter((report) => report.releaseId === releaseId);
    const launched = ofFirst.flatMap(({ services }) => services["web"]?.launching ?? []);

    expect([...new Set(launched)]).toEqual([0, 1, 5]);
  });

  it("shows a halt as such", () => {
    const { run } = played.steps[1] ?? {};

    expect(run?.report?.error).toMatchObject({ class: "HaltError" });
    expect(run?.report?.path.map(({ state }) => state).slice(-4)).toEqual([
      ...["WaitDetachForFailure", "CleanUpFailure", "ReleaseLockFailure", "FailureClean"],
    ]);
  });
});
