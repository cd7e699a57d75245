import * as operations from "@stackyard/core/api/operations";
import { describe, expect, it } from "vitest";
import { ACTIONS, toSentence } from "./audit-sentence.ts";

function read(
  action: string,
  outcome: "done" | "begun" | "failed" | "denied",
  on: Readonly<Record<string, string>> = {},
) {
  return toSentence({ action, outcome, on })
    .map(({ text }) => text)
    .join(" ");
}

const approval = { machine: "shop-release", stackId: "shop-1.43.0", eventId: "call-000080", task: "sign-off" };

describe("toSentence", () => {
  it.each([
    ["APPROVE_TASK", "done", approval, "approved sign-off of shop-1.43.0"],
    ["REMOVE_STACK", "denied", { stackId: "tenant-33" }, "was refused to remove tenant-33"],
    ["createToken", "begun", { tokenId: "call-000102", key: "deployments" }, "began to create the token deployments"],
    ["writeTerraformState", "failed", { stateKey: "shop/prod" }, "tried to write the Terraform state shop/prod"],
    ["endFreeze", "done", { key: "freezes/year-end" }, "ended the freeze year-end"],
    ["RETRY_FAILED_TASKS", "done", { stackId: "pr-1" }, "retried the tasks of pr-1"],
    ["RELEASED", "done", { stackId: "shop-1" }, "sent RELEASED to shop-1"],
    ['event "login"', "done", { stackId: "shop-1" }, "sent login to shop-1"],
    ["getStack", "done", { stackId: "shop-1" }, "called getStack for shop-1"],
    ["denied", "denied", {}, "was refused"],
  ] as const)("says %s, %s, in the words of a person", (action, outcome, on, sentence) => {
    expect(read(action, outcome, on)).toBe(sentence);
  });

  it("links a stack and a job to their pages, and names no key of the API", () => {
    expect(
      toSentence({ action: "startJob", outcome: "done", on: { machine: "stackyard.run", jobId: "run-1" } }),
    ).toEqual([{ text: "started" }, { text: "the job" }, { text: "run-1", kind: "job" }]);
  });

  it("has words for every operation that the audit log records", () => {
    const audited = Object.values(operations).flatMap((each) =>
      typeof each === "object" && "audited" in each && each.audited ? [each.operationId] : [],
    );

    expect(audited.length).toBeGreaterThan(20);
    expect(audited.filter((id) => !ACTIONS.includes(id))).toEqual([]);
  });
});
