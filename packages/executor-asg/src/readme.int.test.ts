import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseMachine } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { AsgConfig, asgDefinition } from "./definition.ts";
import { RELEASE_FAILURES } from "./release-errors.ts";
import { aTaskConfig, createAsgYard } from "./testing/yards.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

function fileOf(name: string): string {
  const [, content = ""] = new RegExp(`\`\`\`\\w+\\n(?://|#) file: ${name}\\n([\\s\\S]*?)\`\`\``).exec(readme) ?? [];
  return content;
}

function sectionOf(title: string): string {
  const [, section = ""] = new RegExp(`\\n## ${title}\\n([\\s\\S]*?)\\n## `).exec(readme) ?? [];
  return section;
}

function rowsOf(title: string): readonly (readonly string[])[] {
  return sectionOf(title)
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split(" | ").map((cell) => cell.replaceAll(/[`|]/g, "").trim()));
}

describe("the README", () => {
  it("shows a machine without a fault", () => {
    const executors = new Map([["asg", asgDefinition]]);

    const parsed = parseMachine(fileOf("machines/shop.yml"), { name: "shop", strict: true, executors });

    expect(parsed.problems).toEqual([]);
  });

  it("lists every key of the config", () => {
    expect(rowsOf("Config of a task").map(([key]) => key)).toEqual(Object.keys(AsgConfig.properties));
  });

  it("lists every output of a release", async () => {
    const { step } = await createAsgYard().run(aTaskConfig());

    const outputs = step.kind === "succeeded" ? Object.keys(step.outputs as object) : [];
    expect(rowsOf("Outputs").map(([name]) => name)).toEqual(outputs);
  });

  it("lists every failure with the predecessor's class", () => {
    const failures = Object.entries(RELEASE_FAILURES);

    expect(rowsOf("Failures").map(([code, name]) => [code, name])).toEqual([...failures, ["LEFT_BEHIND", "none"]]);
  });

  it("lists the permissions that a release uses", async () => {
    const [, json = ""] = /```json\n([\s\S]*?)```/.exec(sectionOf("IAM")) ?? [];
    const statements: readonly { readonly Action: string | readonly string[] }[] = JSON.parse(json);
    const allowed = statements.flatMap(({ Action }) => Action);
    const yard = createAsgYard();

    await yard.run(aTaskConfig());
    await yard.run(aTaskConfig());

    const used = new Set(yard.world.sim.calls.map(({ operation }) => toAction(operation)));
    const may = (action: string) =>
      allowed.some((each) => (each.endsWith("*") ? action.startsWith(each.slice(0, -1)) : action === each));
    expect(used.size).toBeGreaterThan(15);
    expect([...used].filter((action) => !may(action))).toEqual([]);
  });
});

const SERVICES: Readonly<Record<string, string>> = {
  AutoScaling: "autoscaling",
  EC2: "ec2",
  ElasticLoadBalancing: "elasticloadbalancing",
  IAM: "iam",
  SNS: "sns",
  ElasticLoadBalancingV2: "elasticloadbalancing",
  CloudWatch: "cloudwatch",
};

function toAction(operation: string): string {
  const [service = "", name = ""] = operation.split(".");
  return `${SERVICES[service] ?? service}:${name}`;
}
