import { expect, it } from "vitest";
import { createHouseOf } from "./houses.ts";
import { repositoryRoot } from "./published-packages.ts";

it.each([
  ["packages/executor-asg/src/x.test.ts", "aws"],
  ["apps/fleet/src/x.test.ts", "aws"],
  ["tools/aws-sim/src/x.test.ts", "aws"],
  ["examples/deploy-test/e2e/x.test.ts", "aws"],
  ["packages/core/src/x.test.ts", "yard"],
  ["packages/aws/src/x.test.ts", "yard"],
  ["tools/checks/x.test.ts", "yard"],
  ["examples/version-1/e2e/x.test.ts", "yard"],
])("gives %s to the house %s, by the tag of its workspace", (path, house) => {
  expect(createHouseOf(repositoryRoot)(path)).toBe(house);
});
