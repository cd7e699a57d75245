import type { HistoryEvent } from "@aws-sdk/client-sfn";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ExecutionFacts, readExecution } from "./read-execution.ts";

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));
const DOCUMENT = {
  aws_account_id: "111122223333",
  aws_region: "eu-west-1",
  project_name: "org/shop",
  config_name: "production",
  release_id: "release-2",
  timeout: 1_200,
  started_at: "2026-01-01T00:00:01Z",
};

const entered = (name: string, seconds: number, input: object = DOCUMENT): HistoryEvent => ({
  id: seconds,
  type: "TaskStateEntered",
  timestamp: at(seconds),
  stateEnteredEventDetails: { name, input: JSON.stringify(input) },
});
const exited = (name: string, seconds: number, output: object): HistoryEvent => ({
  id: seconds,
  type: "TaskStateExited",
  timestamp: at(seconds),
  stateExitedEventDetails: { name, output: JSON.stringify(output) },
});

function anExecution(over: Partial<ExecutionFacts> = {}): ExecutionFacts {
  return {
    name: "deploy-org-shop-production-x",
    status: "RUNNING",
    startedAt: at(0),
    account: "000000000000",
    region: "us-east-1",
    input: JSON.stringify(DOCUMENT),
    ...over,
  };
}

describe("readExecution", () => {
  it("is a release that runs, with the names of its document", () => {
    expect(readExecution(anExecution())).toEqual({
      runId: "deploy-org-shop-production-x",
      operation: "deploy",
      releaseId: "release-2",
      account: "111122223333",
      region: "eu-west-1",
      project: "org/shop",
      config: "production",
      standing: "running",
      isHalting: false,
      startedAt: "2026-01-01T00:00:00.000Z",
    });
  });

  it("tells the first error, and the one that was caught after it beside that", () => {
    const error = (name: string) => ({ Error: name, Cause: JSON.stringify({ errorMessage: `${name}!` }) });
    const dirty = { ...DOCUMENT, first_error: error("HaltError"), error: error("CleanUpError") };
    const failed = { status: "FAILED", error: "FailureDirty", endedAt: at(9) } as const;

    const release = readExecution(anExecution({ ...failed, events: [entered("FailureDirty", 9, dirty)] }));

    expect(release.error).toEqual({ code: "RELEASE_HALTED", message: "HaltError!" });
    expect(release.report).toMatchObject({
      error: { class: "HaltError", message: "HaltError!" },
      laterErrors: [{ class: "CleanUpError", message: "CleanUpError!" }],
    });
  });

  it("takes the deployer's place where the document names none", () => {
    const input = JSON.stringify({ project_name: "org/shop" });

    expect(readExecution(anExecution({ input }))).toMatchObject({ account: "000000000000", region: "us-east-1" });
  });

  it("reports path and services of the newest state, as its history has them", () => {
    const report = { target_healthy: 2, target_launched: 3, healthy: 1, launching: 3, terminating: 1 };
    const services = {
      web: { created_asg: "shop-web", healthy_report: report, Healthy: false, causes: ["no Spot", 1] },
    };
    const events = [
      exited("CheckHealthy", 9, { ...DOCUMENT, services }),
      entered("CheckHealthy", 8, DOCUMENT),
      { id: 7, type: "LambdaFunctionStarted", timestamp: at(7) } as HistoryEvent,
      entered("Validate", 1, DOCUMENT),
    ];

    expect(readExecution(anExecution({ events })).report).toEqual({
      operation: "deploy",
      releaseId: "release-2",
      account: "111122223333",
      region: "eu-west-1",
      project: "org/shop",
      config: "production",
      state: "CheckHealthy",
      since: at(8).getTime(),
      startedAt: at(1).getTime(),
      timeoutSeconds: 1_200,
      lines: [],
      laterErrors: [],
      path: [
        { state: "Validate", at: at(1).getTime() },
        { state: "CheckHealthy", at: at(8).getTime() },
      ],
      services: {
        web: {
          healthy: 1,
          unhealthy: 1,
          terminating: 1,
          launching: 3,
          targetHealthy: 2,
          targetLaunched: 3,
          group: "shop-web",
          isHealthy: false,
          causes: ["no Spot"],
        },
      },
    });
  });

  it.each([
    ["SUCCEEDED", undefined, "succeeded", "Success"],
    ["FAILED", "FailureClean", "failed", "FailureClean"],
    ["FAILED", "FailureDirty", "failed", "FailureDirty"],
    ["FAILED", "States.Runtime", "failed", "FailureDirty"],
    ["ABORTED", undefined, "failed", "FailureDirty"],
    ["TIMED_OUT", undefined, "failed", "FailureDirty"],
  ])("ends as %s with %s does", (status, error, standing, end) => {
    const release = readExecution(anExecution({ status, endedAt: at(60), ...(error && { error }) }));

    expect(release).toMatchObject({ standing, end, endedAt: "2026-01-01T00:01:00.000Z" });
  });

  it.each([
    [
      { Error: "LockExistsError", Cause: '{"errorMessage":"Lock Already Exists","errorType":"LockExistsError"}' },
      "LOCK_EXISTS",
      "Lock Already Exists",
    ],
    [{ Error: "HaltError", Cause: "Timeout: Halting Release" }, "RELEASE_TIMED_OUT", "Timeout: Halting Release"],
    [{ Error: "HaltError", Cause: "stop" }, "RELEASE_HALTED", "stop"],
    [{ Error: "Lambda.Unknown", Cause: "{" }, "Lambda.Unknown", "{"],
  ])("tells the error that a function has given: %o", (error, code, message) => {
    const events = [entered("FailureClean", 5, { ...DOCUMENT, error })];

    const release = readExecution(anExecution({ status: "FAILED", error: "FailureClean", events }));

    expect(release.error).toEqual({ code, message });
    expect(release.report?.error).toEqual({ class: error.Error, message });
  });

  it("is done, whatever error was passed over on the way", () => {
    const error = { Error: "DetachError", Cause: "not yet detached" };
    const events = [entered("Success", 5, { ...DOCUMENT, error })];

    const release = readExecution(anExecution({ status: "SUCCEEDED", events }));

    expect([release.error, release.report?.error]).toEqual([undefined, { class: "DetachError", message: error.Cause }]);
  });

  it.each(["WaitForRetire", "RetireKept"])("is done while it only waits with the groups that are kept: %s", (state) => {
    const events = [entered(state, 30), entered("WaitForRetire", 20), entered("CleanUpSuccessKeeping", 10)];

    expect(readExecution(anExecution({ events }))).toMatchObject({
      standing: "succeeded",
      end: "Success",
      endedAt: at(20).toISOString(),
    });
  });

  it("takes any JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (input, state) => {
        const details = { name: "Lock", input: JSON.stringify({ release_id: 1, services: state, error: state }) };
        const events = [{ id: 1, type: "TaskStateEntered", timestamp: at(1), stateEnteredEventDetails: details }];
        const facts = anExecution({ input: JSON.stringify(input), events: events as HistoryEvent[] });

        expect(readExecution(facts).report?.state).toBe("Lock");
      }),
    );
  });
});
