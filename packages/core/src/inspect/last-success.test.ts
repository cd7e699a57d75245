import { describe, expect, it } from "vitest";
import { isDone, listEndsOfRuns } from "./last-success.ts";

type Given = Parameters<typeof listEndsOfRuns>[0][number];

/** Makes lines from texts such as `PUSHED LIVE BUILD`, the oldest first; returns them newest first. */
function toLines(...texts: readonly string[]): readonly Given[] {
  const lines = texts.map((text, index): Given => {
    const [event = "", from, to = from] = text.split(" ");
    const base = { position: index + 1, at: index, event, outcome: "applied" as const };
    if (from === undefined || to === undefined) return base;
    return from === "-" ? { ...base, to } : { ...base, from, to };
  });
  return lines.toReversed();
}

const positions = (...texts: readonly string[]) => listEndsOfRuns(toLines(...texts)).map(({ position }) => position);
const OPENED = ["OPENED - BUILD", "TASK_COMPLETED BUILD", "NEXT BUILD LIVE"];

describe("listEndsOfRuns", () => {
  it("finds where the last run ended that was not the present one", () => {
    expect(positions(...OPENED, "PUSHED LIVE REVIEW")).toEqual([3]);
    expect(positions(...OPENED)).toEqual([]);
    expect(positions()).toEqual([]);
  });

  it("skips a run that failed, so that its commits are approved with the next one (sfdx-git-delta#592, caseflow#7928)", () => {
    const failed = [
      "PUSHED LIVE REVIEW",
      "APPROVE_TASK REVIEW",
      "NEXT REVIEW DEPLOY",
      "TASK_ERROR DEPLOY",
      "FAILED DEPLOY BROKEN",
    ];

    expect(positions(...OPENED, ...failed, "PUSHED BROKEN REVIEW")).toEqual([3]);
    expect(positions(...OPENED, ...failed, ...failed, "PUSHED BROKEN REVIEW")).toEqual([3]);
  });

  it("knows the lines of version 2, whose results move the stack", () => {
    const opened = ["OPENED - REVIEW", "APPROVE_TASK REVIEW DEPLOY", "TASK_COMPLETED DEPLOY LIVE"];
    const failed = ["PUSHED LIVE REVIEW", "SETTLE_TASK REVIEW DEPLOY", "TASK_ERROR DEPLOY BROKEN"];
    const rejected = ["PUSHED BROKEN REVIEW", "REJECT_TASK REVIEW BROKEN"];

    expect(positions(...opened, ...failed, ...rejected, "PUSHED BROKEN REVIEW")).toEqual([3]);
  });

  it("takes an approval as a good end, and a rejection not", () => {
    const approved = ["OPENED - REVIEW", "APPROVE_TASK REVIEW LIVE"];

    expect(positions(...approved, "PUSHED LIVE REVIEW")).toEqual([2]);
    expect(positions("OPENED - REVIEW", "REJECT_TASK REVIEW LIVE", "PUSHED LIVE REVIEW")).toEqual([]);
  });

  it("begins a run with a timer, too, and not with what changes no state", () => {
    expect(positions(...OPENED, "PUSHED LIVE LIVE", "NIGHTLY LIVE REVIEW")).toEqual([4]);
  });

  it("knows no success of a run that was replaced before it had a result", () => {
    expect(positions("OPENED - BUILD", "PUSHED BUILD REVIEW")).toEqual([]);
    expect(positions(...OPENED, "SLEPT LIVE ASLEEP", "WOKEN ASLEEP REVIEW")).toEqual([3]);
  });
});

describe("isDone", () => {
  it("is true without open and failed tasks", () => {
    expect(isDone({ tasks: [] })).toBe(true);
    expect(isDone({ tasks: [{ name: "a", status: "SATISFIED", detail: "SKIPPED" }] })).toBe(true);
    expect(
      isDone({
        tasks: [
          { name: "a", status: "SATISFIED" },
          { name: "b", status: "PENDING" },
        ],
      }),
    ).toBe(false);
    expect(isDone({ tasks: [{ name: "a", status: "ERROR" }] })).toBe(false);
  });
});
