import type { Job } from "@stackyard/sdk/jobs";
import { describe, expect, it } from "vitest";
import { aFailure, anInstance, aPage } from "../testing/a-report.ts";
import { toRunExitCode } from "./fleet-commands.ts";

const run: Job = { jobId: "run-7", state: "failed", executor: "runcommand", config: {}, startedAt: "" };
const failedWith = (code: string): Job => ({ ...run, error: { code, message: "" } });
const WORKED = [aPage([aFailure(1, { commandId: "c" })])];
const UNTOUCHED = [
  aPage([anInstance(1, { state: "not-sent", code: "NOT_SENT" }), anInstance(2, { state: "skipped" })]),
];

describe("toRunExitCode", () => {
  it.each([
    ["it has succeeded", { ...run, state: "succeeded" as const }, WORKED, 0],
    ["instances were worked on and failed", failedWith("COMMAND_FAILED"), WORKED, 2],
    [
      "some have succeeded before it was cancelled",
      { ...run, state: "cancelled" as const },
      [aPage([anInstance(1)])],
      2,
    ],
    ["no instance was selected", failedWith("NO_INSTANCES"), [], 1],
    ["nothing was sent to those that were", failedWith("ARTIFACT_MISSING"), UNTOUCHED, 1],
    ["it was cancelled before anything was sent", { ...run, state: "cancelled" as const }, UNTOUCHED, 1],
    ["it had no permission to begin", failedWith("ACCESS_DENIED"), UNTOUCHED, 3],
    ["permission was lost on the way", failedWith("ACCESS_DENIED"), WORKED, 2],
  ])("when %s", (_what, ended, pages, exitCode) => {
    expect(toRunExitCode(ended, pages)).toBe(exitCode);
  });
});
