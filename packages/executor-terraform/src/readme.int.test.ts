import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin, StackyardConfig } from "@stackyard/core";
import { formatVariableTable } from "@stackyard/core/environment";
import { parseMachine } from "@stackyard/core/machine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TerraformOptions, terraformDefinition } from "./definition.ts";
import plugin from "./index.ts";
import { evaluatePolicies } from "./plan/policies.ts";
import { parsePrices } from "./plan/prices.ts";
import { TERRAFORM_FAILURES } from "./run/failure.ts";
import { aContext } from "./testing/a-context.ts";
import { aFolder, type TestFolder } from "./testing/a-folder.ts";
import { hasTerraform } from "./testing/program.ts";
import { startStateServer } from "./testing/state-server.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
const files = [...readme.matchAll(/```\w+\n((?:\/\/|#) file: (\S+)\n[\s\S]*?)```/g)];
const textOf = (path: string) => files.find((file) => file[2] === path)?.[1] ?? "";
const rowsOf = (pattern: RegExp) => [...readme.matchAll(pattern)].map((match) => match.slice(1));

describe("the README", () => {
  let folder: TestFolder;
  const machine = () => parseMachine(textOf("machines/review-app.yml"), { name: "review-app", strict: true });

  beforeAll(() => {
    folder = aFolder(Object.fromEntries(files.map(([, text = "", path = ""]) => [path, text])));
  });
  afterAll(() => folder.remove());

  it("shows a machine without a fault", () => {
    expect(machine().problems).toEqual([]);
  });

  it.skipIf(!hasTerraform())("shows a configuration that the machine's tasks apply and destroy", async () => {
    const server = await startStateServer();
    const { executors } = await loadConfig(folder);
    const context = {
      projectDir: folder.path,
      dataDir: join(folder.path, ".stackyard"),
      environment: process.env,
      readSecret: async () => "",
    };
    const [executor] = (plugin as Plugin).executors(executors?.["terraform"], context);
    const run = (task: string) => {
      const config = machine().machine?.tasks.get(task)?.definition["config"];
      return executor?.start(aContext({ task, stateBackendUrl: server.url }), config as never);
    };

    const steps = [await run("network"), await run("remove")];
    await server.close();

    expect(steps).toEqual([
      { kind: "succeeded", outputs: { subnets: '["pr-12-a","pr-12-b"]' } },
      { kind: "succeeded", outputs: {} },
    ]);
  });

  it("links to a page whose machine, policies and prices have no fault", () => {
    const page = readFileSync(join(import.meta.dirname, "../../../docs/plans-and-policies.md"), "utf8");
    const blocks = [...page.matchAll(/```yaml(?: fragment)?\n# file: (\S+)\n([\s\S]*?)```/g)];
    const read = (path: string) => blocks.find((block) => block[1] === path)?.[2] ?? "";
    const source = read("machines/environment.yaml");
    const policies = [{ name: "preview.yaml", text: read("policies/preview.yaml") }];
    const plan = {
      adds: 0,
      changes: 0,
      destroys: 0,
      replacements: 0,
      imports: 0,
      moves: 0,
      forgets: 0,
      vanished: 0,
      failed_checks: 0,
      monthly_cost: 250,
      unpriced: 0,
    };
    const executors = new Map([["terraform", terraformDefinition]]);

    const { problems, machine: environment } = parseMachine(source, { name: "environment", strict: true, executors });

    expect(problems).toEqual([]);
    expect(environment?.tasks.size).toBe(5);
    expect(evaluatePolicies(policies, { plan, changes: [] })).toEqual([
      { level: "warning", text: "cheap: The environment would cost 250 USD a month." },
    ]);
    expect(parsePrices("prices.yaml", read("prices.yaml")).prices).toHaveLength(3);
  });

  it("lists every failure with its flag and meaning", () => {
    const facts = Object.entries(TERRAFORM_FAILURES);

    expect(rowsOf(/^\| `([A-Z]+_[A-Z_]+)` \| (yes|no) \| (.*) \|$/gm)).toEqual(
      facts.map(([code, { retryable, meaning }]) => [code, retryable ? "yes" : "no", meaning]),
    );
  });

  it("lists the options as their schema describes them", () => {
    expect(readme).toContain(formatVariableTable(TerraformOptions, "option"));
  });
});

/** Outside of this repository the core cannot be found, so its part is put into the file. */
async function loadConfig(folder: TestFolder): Promise<StackyardConfig> {
  const text = textOf("stackyard.config.ts").replace('import { defineConfig } from "stackyard";', "");
  folder.write({ "config.mjs": `const defineConfig = (config) => config;\n${text}` });
  return (await import(join(folder.path, "config.mjs"))).default;
}
