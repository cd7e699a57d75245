import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatVariableTable } from "@stackyard/core/environment";
import { describe, expect, it } from "vitest";
import { FleetVariables } from "./fleet-settings.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

describe("the README", () => {
  it("lists every variable with the description in the schema", () => {
    expect(readme).toContain(formatVariableTable(FleetVariables));
  });

  it("has a policy that is JSON and allows what the function calls", () => {
    const [, policy = "{}"] = /```json\n([\s\S]*?)```/.exec(readme) ?? [];
    const actions = JSON.parse(policy).Statement.flatMap(({ Action }: { Action: readonly string[] }) => Action);

    expect(actions.sort()).toEqual([
      "autoscaling:CompleteLifecycleAction",
      "autoscaling:RecordLifecycleActionHeartbeat",
      "codepipeline:PutJobFailureResult",
      "codepipeline:PutJobSuccessResult",
      "ec2:DescribeInstances",
      "s3:GetObject",
      "s3:ListBucket",
    ]);
  });
});
