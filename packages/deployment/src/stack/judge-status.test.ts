import { expect, it } from "vitest";
import { judgeStatus } from "./judge-status.ts";

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
  expect(judgeStatus(status).kind).toBe(kind);
});

it("says how an update that could not be undone goes on", () => {
  expect(judgeStatus("UPDATE_ROLLBACK_FAILED")).toMatchObject({
    reason: expect.stringContaining("continue-update-rollback"),
  });
});
