import { expect, it } from "vitest";
import { formatAction } from "./format-action.ts";

it.each([
  ["createToken", "Create token"],
  ["writeTerraformState", "Write Terraform state"],
  ["listAudit", "List audit"],
  ["startBulk", "Start bulk"],
  ["login", "Login"],
  ["APPROVE_TASK", "Approve task"],
  ["RELEASED", "RELEASED"],
  ["my-event", "my-event"],
])("shows %s as %s", (action, words) => {
  expect(formatAction(action)).toBe(words);
});
