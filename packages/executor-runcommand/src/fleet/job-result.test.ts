import type { JobView } from "@stackyard/core/jobs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JOB_ID } from "../testing/a-pipeline-event.ts";
import { findRunReport, type JobResultInput, type RunReport, toFailureResult, toJobResult } from "./job-result.ts";

const RUN_ID = "run-0123456789abcdef0123456789abcdef";

function aRun(fields: Partial<JobView> = {}): JobView {
  return { jobId: RUN_ID, state: "running", executor: "runcommand", config: {}, startedAt: 0, ...fields };
}

function aReport(counts: Partial<RunReport["counts"]> = {}, failed: RunReport["failed"] = []): RunReport {
  return { counts: { selected: 40, succeeded: 0, failed: 0, running: 0, skipped: 0, notSent: 0, ...counts }, failed };
}

const toResult = (input: Partial<JobResultInput> = {}) =>
  toJobResult({ jobId: JOB_ID, run: aRun(), report: undefined, wait: true, ...input });

describe("a run in progress", () => {
  it("is answered with a token, how far it is, and no variables", () => {
    expect(toResult({ report: aReport({ succeeded: 10, failed: 1, running: 20, notSent: 9, skipped: 2 }) })).toEqual({
      kind: "success",
      input: {
        jobId: JOB_ID,
        continuationToken: `{"v":1,"run":"${RUN_ID}"}`,
        executionDetails: {
          summary: "10 of 40 instances succeeded, 1 failed, 20 running, 9 not sent yet, 2 skipped.",
          externalExecutionId: RUN_ID,
          percentComplete: 27,
        },
      },
    });
  });

  it.each([
    ["Waiting for a runner.", aRun({ state: "waiting" })],
    ["Waiting for the agent.", aRun({ message: "Waiting for the agent." })],
  ])("is summed up without a report: %s", (summary, run) => {
    expect(toResult({ run })).toMatchObject({ input: { executionDetails: { summary, percentComplete: 0 } } });
  });

  it("is never reported as 100 percent", () => {
    expect(toResult({ report: aReport({ succeeded: 40 }) })).toMatchObject({
      input: { executionDetails: { percentComplete: 99 } },
    });
  });

  it("has a summary of at most 2,048 characters", () => {
    const result = toResult({ run: aRun({ message: "😀".repeat(2_000) }) });

    const summary = result.kind === "success" ? result.input.executionDetails?.summary : "";
    expect(summary?.length).toBe(2_047);
    expect(summary?.isWellFormed()).toBe(true);
  });
});

describe("a run that is done", () => {
  const outputs = { runId: RUN_ID, selected: 40, succeeded: 39, failed: 1, skipped: 2, reportUrl: "https://yard/r" };

  it("is answered with variables and no token", () => {
    const report = aReport({ succeeded: 39, failed: 1, skipped: 2 });

    expect(toResult({ run: aRun({ state: "succeeded", outputs }), report })).toEqual({
      kind: "success",
      input: {
        jobId: JOB_ID,
        executionDetails: {
          summary: "39 of 40 instances succeeded, 1 failed, 2 skipped.",
          externalExecutionId: RUN_ID,
          percentComplete: 100,
        },
        outputVariables: {
          RunId: RUN_ID,
          Selected: "40",
          Succeeded: "39",
          Failed: "1",
          Skipped: "2",
          ReportUrl: "https://yard/r",
        },
      },
    });
  });

  it("uses the counts of the report and the app's address when the run has none", () => {
    const run = aRun({ state: "succeeded" });

    expect(toResult({ run, report: aReport({ succeeded: 40 }), reportUrl: "https://yard/x" })).toMatchObject({
      input: { outputVariables: { Selected: "40", Succeeded: "40", Failed: "0", ReportUrl: "https://yard/x" } },
    });
  });

  it("has names of variables that CodePipeline takes", () => {
    const result = toResult({ run: aRun({ state: "succeeded", outputs }) });

    const names = result.kind === "success" ? Object.keys(result.input.outputVariables ?? {}) : [];
    expect(names.filter((name) => !/^[A-Za-z0-9@_-]+$/.test(name))).toEqual([]);
  });
});

describe("a job that does not wait", () => {
  it("continues until everything is dispatched", () => {
    expect(toResult({ wait: false })).toHaveProperty("input.continuationToken");
    expect(toResult({ wait: false, report: aReport({ notSent: 1, running: 39 }) })).toHaveProperty(
      "input.continuationToken",
    );
  });

  it("continues while SSM has not found any instance", () => {
    const report = aReport({ selected: 0, running: 0, notSent: 0 });

    expect(toResult({ wait: false, report })).toHaveProperty("input.continuationToken");
  });

  it("is done then, and says how far it is", () => {
    const result = toResult({ wait: false, report: aReport({ succeeded: 10, running: 30 }) });

    expect(result).toMatchObject({
      kind: "success",
      input: { executionDetails: { percentComplete: 25 }, outputVariables: { RunId: RUN_ID, Succeeded: "10" } },
    });
    expect(result.input).not.toHaveProperty("continuationToken");
  });

  it("has failed where the run has", () => {
    expect(toResult({ wait: false, run: aRun({ state: "failed" }) }).kind).toBe("failure");
  });
});

describe("a run that has failed", () => {
  const error = { code: "COMMAND_FAILED", message: "2 instances failed." };

  it("reports its code and the failed instances", () => {
    const report = aReport({ failed: 2, notSent: 1 }, [
      { instanceId: "i-0", code: "NOT_SENT" },
      { instanceId: "i-1", code: "COMMAND_FAILED" },
      { instanceId: "i-2", code: "EXECUTION_TIMEOUT" },
    ]);

    expect(toResult({ run: aRun({ state: "failed", error }), report })).toEqual({
      kind: "failure",
      input: {
        jobId: JOB_ID,
        failureDetails: {
          type: "JobFailed",
          message:
            "COMMAND_FAILED: 2 instances failed. Instances: i-1 COMMAND_FAILED, i-2 EXECUTION_TIMEOUT, i-0 NOT_SENT.",
          externalExecutionId: RUN_ID,
        },
      },
    });
  });

  it("says how many more there are where they do not fit", () => {
    const failed = Array.from({ length: 1_000 }, (_, n) => ({
      instanceId: `i-${String(n).padStart(17, "0")}`,
      code: "DELIVERY_TIMEOUT",
    }));

    const { input } = toResult({ run: aRun({ state: "failed", error }), report: aReport({ failed: 1_000 }, failed) });

    const message = "failureDetails" in input ? (input.failureDetails?.message ?? "") : "";
    const listed = message.match(/i-\d{17} DELIVERY_TIMEOUT/g)?.length ?? 0;
    expect(message.length).toBeLessThanOrEqual(5_000);
    expect(listed).toBeGreaterThan(100);
    expect(message).toMatch(new RegExp(` and ${1_000 - listed} more\\.$`));
  });

  it.each([
    [aRun({ state: "cancelled" }), "RUN_CANCELLED: "],
    [aRun({ state: "failed" }), "RUN_FAILED: "],
    [aRun({ state: "failed", error: { code: "NO_INSTANCES", message: "" } }), "NO_INSTANCES: "],
  ])("begins with a code whatever is known", (run, start) => {
    expect(toResult({ run })).toMatchObject({
      input: { failureDetails: { type: "JobFailed", message: expect.stringMatching(`^${start}`) } },
    });
  });
});

describe("toFailureResult", () => {
  it("does not repeat a code that the message begins with", () => {
    expect(toFailureResult(JOB_ID, { code: "X", message: "X: y" })).toMatchObject({
      input: { failureDetails: { message: "X: y" } },
    });
  });

  it("takes the type that it is given before the code's", () => {
    expect(toFailureResult(JOB_ID, { code: "X", message: "y", type: "ConfigurationError" })).toMatchObject({
      input: { failureDetails: { type: "ConfigurationError" } },
    });
  });

  it("keeps the message within 1 to 5,000 characters and cuts none in two", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.nat({ max: 6_000 }), (part, times) => {
        const { input } = toFailureResult(JOB_ID, { code: "CODE", message: part.repeat(times).slice(0, 9_999) });

        const message = "failureDetails" in input ? (input.failureDetails?.message ?? "") : "";
        expect(message.startsWith("CODE:")).toBe(true);
        expect(message.length).toBeLessThanOrEqual(5_000);
        expect(message.isWellFormed()).toBe(true);
      }),
    );
  });
});

describe("findRunReport", () => {
  it("adds the instances of all pages to the counts of the first", () => {
    const counts = { selected: 4, succeeded: 1, failed: 2, running: 1, skipped: 3, notSent: 0 };
    const pages = [
      {
        runId: "run-1",
        counts,
        instances: [
          { instanceId: "i-1", state: "failed", code: "COMMAND_FAILED", roles: [] },
          { instanceId: "i-2", state: "succeeded", roles: [] },
          { instanceId: "i-3", state: "skipped", code: "TAG_MISSING", roles: [] },
        ],
      },
      {
        runId: "run-1",
        instances: [
          { instanceId: "i-4", state: "not-sent", code: "NOT_SENT", roles: [] },
          { instanceId: "i-5", state: "not-sent", roles: [] },
          { instanceId: "i-6", state: "cancelled", code: "TERMINATED", roles: [] },
        ],
      },
    ];

    expect(findRunReport(pages)).toEqual({
      counts,
      failed: [
        { instanceId: "i-1", code: "COMMAND_FAILED" },
        { instanceId: "i-4", code: "NOT_SENT" },
        { instanceId: "i-6", code: "TERMINATED" },
      ],
    });
  });

  it("counts an instance once that is on two pages while they are written", () => {
    const counts = { selected: 1, succeeded: 1, failed: 0, running: 0, skipped: 0, notSent: 0 };
    const pages = [
      { counts, instances: [{ instanceId: "i-1", state: "failed", code: "COMMAND_FAILED" }] },
      { instances: [{ instanceId: "i-1", state: "succeeded" }] },
    ];

    expect(findRunReport(pages)?.failed).toEqual([]);
  });

  it("finds none before the first page", () => {
    expect(findRunReport([])).toBeUndefined();
    expect(findRunReport([{ instances: [] }])).toBeUndefined();
  });

  it("ignores invalid counts", () => {
    expect(findRunReport([{ counts: { selected: -1, failed: "2", running: 1.5 }, instances: "x" }, null])).toEqual({
      counts: { selected: 0, succeeded: 0, failed: 0, running: 0, skipped: 0, notSent: 0 },
      failed: [],
    });
  });
});
