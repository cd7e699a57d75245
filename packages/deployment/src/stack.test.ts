import { describe, expect, it } from "vitest";
import { evaluateStatus, type ResourceEvent, summarize, toResourceEvent } from "./stack.ts";

const stackId = "arn:aws:cloudformation:eu-west-1:111122223333:stack/s/1";

function anEvent(logicalId: string, status: string, reason?: string): ResourceEvent {
  const isStack = logicalId === "s";
  return {
    id: `${logicalId}-${status}`,
    at: "2026-01-01T00:00:00.000Z",
    logicalId,
    type: "T",
    status,
    reason,
    isStack,
  };
}

describe("an event", () => {
  const facts = { StackId: stackId, StackName: "s", EventId: "e", Timestamp: new Date(0), LogicalResourceId: "s" };

  it("is of the stack itself when it names it", () => {
    expect(toResourceEvent({ ...facts, PhysicalResourceId: stackId }).isStack).toBe(true);
  });

  it("of a nested stack is that of a resource", () => {
    const ResourceType = "AWS::CloudFormation::Stack";
    expect(toResourceEvent({ ...facts, ResourceType, PhysicalResourceId: `${stackId}-nested` }).isStack).toBe(false);
    expect(toResourceEvent({ ...facts, ResourceType }).isStack).toBe(false);
  });
});

describe("a summary", () => {
  it("lists the cause first and omits cancelled resources", () => {
    const failed = anEvent("A", "CREATE_FAILED", "The name is taken.");
    const summary = summarize([
      anEvent("s", "CREATE_IN_PROGRESS"),
      failed,
      anEvent("B", "CREATE_FAILED", "Resource creation cancelled"),
      anEvent("s", "ROLLBACK_IN_PROGRESS"),
      anEvent("s", "ROLLBACK_COMPLETE"),
    ]);

    expect(summary).toEqual({ status: "ROLLBACK_COMPLETE", failures: [failed], left: [] });
  });

  it("names what stays, unless it went after all", () => {
    const { left } = summarize([
      anEvent("Kept", "DELETE_SKIPPED"),
      anEvent("Stuck", "DELETE_FAILED", "In use."),
      anEvent("Late", "DELETE_FAILED", "In use."),
      anEvent("Late", "DELETE_COMPLETE"),
    ]);

    expect(left).toEqual(["Kept", "Stuck"]);
  });
});

it.each([
  [undefined, "create"],
  ["REVIEW_IN_PROGRESS", "create"],
  ["DELETE_COMPLETE", "create"],
  ["CREATE_COMPLETE", "update"],
  ["UPDATE_COMPLETE", "update"],
  ["UPDATE_ROLLBACK_COMPLETE", "update"],
  ["IMPORT_COMPLETE", "update"],
  ["ROLLBACK_COMPLETE", "replace"],
  ["UPDATE_IN_PROGRESS", "refused"],
  ["DELETE_IN_PROGRESS", "refused"],
  ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "refused"],
  ["UPDATE_ROLLBACK_FAILED", "refused"],
  ["ROLLBACK_FAILED", "refused"],
  ["CREATE_FAILED", "refused"],
  ["DELETE_FAILED", "refused"],
])("a stack in %s: %s", (status, kind) => {
  expect(evaluateStatus(status).kind).toBe(kind);
});

it("says how to continue a failed rollback of an update", () => {
  expect(evaluateStatus("UPDATE_ROLLBACK_FAILED")).toMatchObject({
    reason: expect.stringContaining("continue-update-rollback"),
  });
});
