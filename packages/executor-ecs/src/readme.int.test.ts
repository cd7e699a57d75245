import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseMachine } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { EcsConfig, ecsDefinition } from "./definition.ts";
import { createEcsYard, INSTANCE, PLACE } from "./testing/an-ecs-yard.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

function fileOf(name: string): string {
  const [, content = ""] = new RegExp(`\`\`\`\\w+\\n(?://|#) file: ${name}\\n([\\s\\S]*?)\`\`\``).exec(readme) ?? [];
  return content;
}

function sectionOf(title: string): string {
  const [, section = ""] = new RegExp(`\\n## ${title}\\n([\\s\\S]*?)\\n## `).exec(readme) ?? [];
  return section;
}

function firstColumnOf(title: string): readonly string[] {
  return [...sectionOf(title).matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = ""]) =>
    cell.replaceAll("`", "").split(", "),
  );
}

describe("the README", () => {
  it("shows a machine without a fault", () => {
    const source = fileOf("machines/release.yml");
    const executors = new Map([["ecs", ecsDefinition]]);

    const parsed = parseMachine(source, { name: "release", strict: true, executors: executors as never });

    expect(parsed.problems).toEqual([]);
    expect(source).toContain("executor: ecs");
  });

  it("lists every key of the config", () => {
    expect(firstColumnOf("Config of a task")).toEqual(Object.keys(EcsConfig.properties));
  });

  it("lists every output", async () => {
    const { step } = await createEcsYard().run({ cluster: "web", taskDefinition: "migrate" });

    const outputs = step.kind === "succeeded" ? Object.keys(step.outputs as object) : [];
    expect(firstColumnOf("Outputs")).toEqual(outputs.map((name) => name.replace(".app", ".<container>")));
  });

  it("lists every failure of the executor", () => {
    const sources = readdirSync(import.meta.dirname)
      .filter((file) => /(?<!\.test)\.ts$/.test(file))
      .map((file) => readFileSync(join(import.meta.dirname, file), "utf8"));
    const codes = sources.flatMap((text) => [...text.matchAll(/"(ECS_[A-Z_]+)"/g)].map((match) => match[1]));

    expect([...firstColumnOf("Failures")].sort()).toEqual([...new Set(codes)].sort());
  });

  it("lists the permissions that are used", async () => {
    const [, json = ""] = /```json\n([\s\S]*?)```/.exec(sectionOf("IAM")) ?? [];
    const statements: readonly { readonly Action: string | string[] }[] = JSON.parse(json);
    const allowed = statements.flatMap(({ Action }) => Action).filter((action) => action !== "iam:PassRole");
    const yard = createEcsYard();
    const context = yard.context();
    const config = { cluster: "web", taskDefinition: "migrate" };

    await yard.run({ ...config, instances: [INSTANCE] }, { context });
    await yard.run({ ...config, instances: [INSTANCE] }, { context });
    await yard.run({ ...config, timeout: "10s" }, { context: yard.context({ stackId: "s2" }) });

    const services: Readonly<Record<string, string>> = { ECS: "ecs", CloudWatchLogs: "logs" };
    const used = yard.sim.calls.map(({ operation }) =>
      operation.replace(/^\w+(?=\.)/, (name) => services[name] ?? name),
    );
    expect([...new Set(used.map((name) => name.replace(".", ":")))].sort()).toEqual([...allowed].sort());
    expect(yard.sim.ecs.tasks().every(({ taskArn = "" }) => taskArn.includes(PLACE.account))).toBe(true);
  });
});

describe("docs/ecs.md", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/ecs.md"), "utf8");

  it("lists every property of the custom resource", () => {
    const [, section = ""] = /\n## From CloudFormation\n([\s\S]*?)\n## /.exec(page) ?? [];
    const rows = [...section.matchAll(/^\| (`.*?) \|/gm)];
    const documented = rows.flatMap(([, cell = ""]) => cell.replaceAll("`", "").split(", "));
    const parser = readFileSync(join(import.meta.dirname, "custom-resource/parse-properties.ts"), "utf8");
    const known = [...parser.matchAll(/^ {2}([A-Z]\w+): \["/gm)].map(([, name]) => name);

    expect(known.length).toBeGreaterThan(20);
    expect([...documented].sort()).toEqual([...known, "Triggers"].sort());
  });

  it("shows a machine without a fault", () => {
    const [, source = ""] = /## From a machine[\s\S]*?```yaml\n([\s\S]*?)```/.exec(page) ?? [];
    const executors = new Map([["ecs", ecsDefinition]]);

    const parsed = parseMachine(source, {
      name: "release",
      strict: true,
      executors: executors as never,
      uncheckedExecutors: ["terraform"],
    });

    expect(source).toContain("executor: ecs");
    expect(parsed.problems.filter(({ code }) => code !== "executor-unchecked")).toEqual([]);
  });
});
