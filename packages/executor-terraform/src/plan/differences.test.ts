import { expect, it } from "vitest";
import { findDifferences, formatDifferences } from "./differences.ts";
import { readPlanDocument } from "./plan-document.ts";

/** As `show -json` of Terraform 1.11 prints a change. */
const change = (address: string, values: Readonly<Record<string, unknown>>) => ({
  address,
  mode: "managed",
  type: "aws_instance",
  name: "app",
  provider_name: "registry.terraform.io/hashicorp/aws",
  change: values,
});
const document = {
  format_version: "1.2",
  resource_changes: [
    change("aws_instance.changed", {
      actions: ["update"],
      before: { id: "i-1", size: "small", user_data: "old-secret", arn: "arn:1" },
      after: { id: "i-1", size: "large", user_data: "new-secret" },
      before_sensitive: { user_data: true },
      after_sensitive: { user_data: true },
      after_unknown: { arn: true },
    }),
    change("aws_instance.follows", {
      actions: ["update"],
      before: { policy: "{}" },
      after: {},
      after_unknown: { policy: true },
    }),
    change("aws_instance.new", { actions: ["create"], before: null, after: { size: "large" } }),
    change("aws_instance.gone", { actions: ["delete"], before: { size: "large" }, after: null }),
    change("aws_instance.same", { actions: ["no-op"], before: { size: "large" }, after: { size: "large" } }),
  ],
};

it("names the attributes of what exists before and after, without values, and what only follows where nothing else is known", async () => {
  const plan = await readPlanDocument({ bytes: Buffer.from(JSON.stringify(document)) }, (text) => text);

  const found = findDifferences(plan?.changes ?? []);

  expect(found).toEqual([
    { address: "aws_instance.changed", attributes: ["size", "user_data"] },
    { address: "aws_instance.follows", attributes: ["policy"] },
  ]);
  expect(formatDifferences(found)).toEqual(["aws_instance.changed: size, user_data", "aws_instance.follows: policy"]);
});
