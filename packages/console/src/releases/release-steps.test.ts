import { describe, expect, it } from "vitest";
import { filterLines, toReleaseStates, toStateRows, toStateSteps } from "./release-steps.ts";

const path = (...states: readonly (readonly [string, number])[]) => ({
  path: states.map(([state, at]) => ({ state, at })),
});
const running = { standing: "running" } as const;
const failed = { standing: "failed", endedAt: new Date(90).toISOString() } as const;

describe("toReleaseStates", () => {
  it("joins the times of a state, and leaves only the present one open", () => {
    const report = path(["Validate", 0], ["WaitForHealthy", 10], ["CheckHealthy", 20], ["WaitForHealthy", 30]);

    expect(toReleaseStates({ ...running, report })).toEqual([
      { name: "Validate", status: "succeeded", times: [{ from: 0, to: 10 }] },
      { name: "WaitForHealthy", status: "running", times: [{ from: 10, to: 20 }, { from: 30 }] },
      { name: "CheckHealthy", status: "succeeded", times: [{ from: 20, to: 30 }] },
    ]);
  });

  it("marks the state that has led to the clean-up, not the clean-up", () => {
    const report = path(["Validate", 0], ["CheckHealthy", 20], ["DetachForFailure", 50], ["FailureClean", 80]);

    const states = toReleaseStates({ ...failed, report });

    expect(states.map(({ name, status }) => [name, status])).toEqual([
      ["Validate", "succeeded"],
      ["CheckHealthy", "failed"],
      ["DetachForFailure", "succeeded"],
      ["FailureClean", "failed"],
    ]);
  });

  it("ends the last state of a release that was lost with it, and marks it (dagster#5692)", () => {
    const report = path(["Validate", 0], ["Deploy", 20]);

    expect(toReleaseStates({ ...failed, report }).at(-1)).toEqual({
      name: "Deploy",
      status: "failed",
      times: [{ from: 20, to: 90 }],
    });
  });

  it("is empty before the first report", () => {
    expect(toReleaseStates(running)).toEqual([]);
  });
});

describe("toStateSteps", () => {
  it("sums the time in a state, and says how often it was entered", () => {
    const report = path(["WaitForHealthy", 0], ["CheckHealthy", 60_000], ["WaitForHealthy", 61_000]);

    const steps = toStateSteps("run-1", toReleaseStates({ ...running, report }), {
      chosen: "CheckHealthy",
      now: 121_000,
    });

    expect(steps.map(({ note, chosen }) => [note, chosen])).toEqual([
      ["2m, 2 times", false],
      ["1s", true],
      ["to come", undefined],
      ["to come", undefined],
    ]);
  });

  it.each([
    [["Validate"], ["Create groups", "Check health", "Detach the old version", "Remove the old version"]],
    [
      ["Validate", "Deploy", "WaitForDeploy"],
      ["Check health", "Detach the old version", "Remove the old version"],
    ],
    [["CheckHealthy", "CleanUpSuccess"], []],
    [["CheckHealthy", "CleanUpFailure"], []],
  ])("shows what is still to come after %j", (names, ahead) => {
    const report = path(...names.map((name, index): [string, number] => [name, index]));

    const steps = toStateSteps("run-1", toReleaseStates({ ...running, report }), { chosen: undefined, now: 9 });

    expect(steps.flatMap(({ name, status }) => (status === "ahead" ? [name] : []))).toEqual(ahead);
  });

  it("has nothing to come for a release that has ended", () => {
    const report = path(["Validate", 0]);
    const states = toReleaseStates({ standing: "cancelled", endedAt: failed.endedAt, report });

    expect(toStateSteps("run-1", states, { chosen: undefined, now: 9 })).toHaveLength(1);
  });
});

describe("toStateRows", () => {
  it("names each time of a state, and shows an end only as a step", () => {
    const report = path(["CheckHealthy", 0], ["WaitForHealthy", 10], ["CheckHealthy", 20], ["Success", 30]);

    const rows = toStateRows("run-1", toReleaseStates({ standing: "succeeded", endedAt: failed.endedAt, report }));

    expect(rows.map(({ name, bars }) => [name, bars.map((bar) => bar.name)])).toEqual([
      ["Check health", ["Check health, time 1", "Check health, time 2"]],
      ["Pause", ["Pause"]],
    ]);
  });
});

describe("filterLines", () => {
  it("returns the lines of a state's times", () => {
    const [state] = toReleaseStates({ ...running, report: path(["A", 0], ["B", 10], ["A", 20]) });
    const lines = [5, 15, 25].map((at) => ({ at, text: `at ${at}` }));

    expect(filterLines(lines, state).map(({ at }) => at)).toEqual([5, 25]);
    expect(filterLines(lines, undefined)).toHaveLength(3);
  });
});
