import type { Attempt, HistoryEntry } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { anAttempt, anEntry } from "../testing/a-stack.ts";
import { toAttemptSteps } from "./run-steps.ts";
import { toRunTimes } from "./run-times.ts";

const at = (minute: number) => `2026-11-20T03:${String(minute).padStart(2, "0")}:00.000Z`;
const ms = (minute: number) => Date.parse(at(minute));
const attempt = (number: number, minute: number, more: Partial<Attempt> = {}) =>
  anAttempt({ attemptId: `job/e/1/run/${number}`, task: "run", attempt: number, dispatchedAt: at(minute), ...more });
const ended = (number: number, minute: number): HistoryEntry =>
  anEntry(minute, {
    event: "TASK_ERROR",
    internal: true,
    eventId: `end:job/e/1/run/${number}`,
    at: at(minute),
    code: "ECS_EXIT_CODE",
  });
const running = ({ outcome: _, ...rest }: Attempt): Attempt => ({ ...rest, status: "running" });

function times(job: Parameters<typeof toRunTimes>[0], attempts: readonly Attempt[], history: readonly HistoryEntry[]) {
  return toRunTimes(job, { attempts, history, now: ms(30) });
}

describe("toRunTimes", () => {
  it("shows each attempt and the time between them, not only the last one (airflow#17487, prefect#8535)", () => {
    const job = { startedAt: at(0), endedAt: at(20) };

    const { from, to, bars } = times(job, [attempt(2, 15), attempt(1, 1)], [ended(2, 20), ended(1, 5)]);

    expect([from, to]).toEqual([ms(0), ms(20)]);
    expect(bars.map((bar) => [bar.number, bar.from, bar.to])).toEqual([
      [1, ms(1), ms(5)],
      [2, ms(15), ms(20)],
    ]);
  });

  it("keeps failed attempts after a retry that succeeded, numbered over all entries (argo-workflows#13839)", () => {
    const again = attempt(1, 10, { attemptId: "job/e/2/run/1", entry: 2, outcome: "succeeded" });

    const { bars } = times({ startedAt: at(0), endedAt: at(12) }, [again, attempt(1, 1)], [ended(1, 5)]);

    expect(bars.map(({ number, status }) => [number, status])).toEqual([
      [1, "failed"],
      [2, "succeeded"],
    ]);
  });

  it("ends an attempt without an end with its job: it does not seem to run forever (dagster#5692)", () => {
    const { bars } = times({ startedAt: at(0), endedAt: at(9) }, [running(attempt(1, 1))], []);

    expect(bars.map(({ to }) => to)).toEqual([ms(9)]);
  });

  it("ends at the end of a job that no worker has started, not now (dagster#3689)", () => {
    expect(times({ startedAt: at(0), endedAt: at(2) }, [], [])).toEqual({ from: ms(0), to: ms(2), bars: [] });
  });

  it("contains attempts that end after the job has, by the clock of another process (airflow#33215)", () => {
    const { from, to } = times({ startedAt: at(3), endedAt: at(10) }, [attempt(1, 2)], [ended(1, 12)]);

    expect([from, to]).toEqual([ms(2), ms(12)]);
  });

  it("begins with the job, so that the time before a worker took it is visible (airflow#63356)", () => {
    const { from, bars } = times({ startedAt: at(0) }, [running(attempt(1, 8))], []);

    expect([from, bars[0]?.from]).toEqual([ms(0), ms(8)]);
  });
});

describe("toAttemptSteps", () => {
  const now = ms(30);

  it("names the code with which each attempt has ended, and leads to its log", () => {
    const history = [ended(1, 5)];
    const { bars } = times({ startedAt: at(0) }, [attempt(1, 1)], history);

    expect(toAttemptSteps({ state: "failed" }, bars, { history, now })).toEqual([
      {
        key: "job/e/1/run/1",
        name: "Attempt 1",
        status: "failed",
        note: "4m, ECS_EXIT_CODE",
        link: { path: "/log", search: { attempt: "job/e/1/run/1" } },
      },
    ]);
  });

  it("says that the next attempt is to come while none runs (temporalio/ui#2284)", () => {
    const history = [ended(1, 5)];
    const { bars } = times({ startedAt: at(0) }, [attempt(1, 1)], history);

    const steps = toAttemptSteps({ state: "waiting" }, bars, { history, now });

    expect(steps.map(({ name, status }) => [name, status])).toEqual([
      ["Attempt 1", "failed"],
      ["Next attempt", "waiting"],
    ]);
    expect(toAttemptSteps({ state: "waiting" }, [], { history: [], now }).map(({ name }) => name)).toEqual(["Start"]);
  });
});
