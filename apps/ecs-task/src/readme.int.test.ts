import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatVariableTable } from "@stackyard/core/environment";
import { describe, expect, it } from "vitest";
import { Variables } from "./settings.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

describe("the README", () => {
  it("has every variable", () => {
    expect(readme).toContain(formatVariableTable(Variables));
  });

  it("has a policy that is JSON and allows what the function calls", () => {
    const [, policy = "{}"] = /```json\n([\s\S]*?)```/.exec(readme) ?? [];
    const actions = JSON.parse(policy).Statement.flatMap(({ Action }: { Action: readonly string[] }) => Action);

    expect(actions.sort()).toEqual([
      "cloudformation:DescribeStacks",
      ...["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
      ...["ecs:DescribeTaskDefinition", "ecs:DescribeTasks", "ecs:ListTasks", "ecs:RunTask", "ecs:StartTask"],
      ...["ecs:StopTask", "ecs:TagResource", "elasticloadbalancing:DescribeTargetHealth", "iam:PassRole"],
      ...["logs:GetLogEvents", "secretsmanager:GetSecretValue", "states:DescribeExecution", "states:StartExecution"],
    ]);
  });
});
