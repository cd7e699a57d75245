import { expect, it } from "vitest";
import { formatScope } from "./format-scope.ts";

it.each([
  [{}, "all stacks"],
  [{ machines: ["review-app", "shop"] }, "all stacks of review-app, shop"],
  [{ stacks: ["web-", "api-"] }, "stacks web-…, api-…"],
  [{ stacks: ["web-"], machines: ["review-app"] }, "stacks web-… of review-app"],
  [{ stacks: [], machines: [] }, "no stack of no machine"],
])("says for which stacks %j is", (scope, text) => {
  expect(formatScope(scope)).toBe(text);
});
