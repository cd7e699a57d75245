import { parseMachine } from "@stackyard/core/machine";
import { lambdaDefinition } from "@stackyard/executor-lambda/definition";
import { runCommandDefinition } from "@stackyard/executor-runcommand/definition";
import { terraformDefinition } from "@stackyard/executor-terraform/definition";
import { promotionDefinitions } from "@stackyard/promotion/definition";
import { describe, expect, it } from "vitest";
import { tasks } from "./tasks.ts";

const text = `version: 2
states:
  INIT: { tasks: [app, other], terminal: true }
tasks:
  app:
    executor: script
    config: { file: 5, size: "\${stack.id}" }
  other: { executor: elsewhere, config: {} }
`;
const script = {
  name: "script",
  config: { type: "object", properties: { file: { type: "string" }, size: { type: "number" } } },
};

describe("a text that is parsed", () => {
  it("has the faults of configs that the executors of the yard describe, and warns about other executors", async () => {
    const { problems } = await tasks.parse({ name: "m", text, executors: [script] });

    expect(problems.map(({ code, line, severity }) => [severity, code, line])).toEqual([
      ["error", "config-invalid", 7],
      ["warning", "executor-unchecked", 8],
    ]);
  });

  it("has the codes and messages of the command line for the executors of Stackyard", async () => {
    const faulty = `version: 2
states: { INIT: { tasks: [a, b, c, d, e] }, DONE: { terminal: true } }
tasks:
  a: { executor: lambda, config: { nme: f } }
  b: { executor: terraform, config: { action: aply } }
  c: { executor: runcommand, config: { instance: 5 } }
  d: { executor: deploy, config: { stacks: { machine: shop, where: "1 +" }, event: GO, metadata: { v: "1" }, until: [UP] } }
  e: { executor: gate, config: { soak: { of: elsewhere, for: 1h } } }
`;
    const definitions = [lambdaDefinition, terraformDefinition, runCommandDefinition, ...promotionDefinitions];
    const executors = new Map(definitions.map((each) => [each.name, each]));
    const ofCli = parseMachine(faulty, { name: "m", executors }).problems;

    const { problems } = await tasks.parse({ name: "m", text: faulty, executors: await tasks.executors(undefined) });

    const codes = ofCli.map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(["lambda-name-required", "deploy-where", "gate-soak"]));
    expect(problems).toEqual(ofCli);
  });

  it("checks an executor of the yard by its own schema, also if it has a name of Stackyard's", async () => {
    const other =
      "version: 2\nstates: { INIT: { tasks: [a], terminal: true } }\ntasks: { a: { executor: lambda, config: {} } }\n";
    const config = { type: "object", required: ["arn"], properties: { arn: { type: "string" } } };

    const { problems } = await tasks.parse({ name: "m", text: other, executors: [{ name: "lambda", config }] });

    expect(problems.map(({ code, path }) => [code, path])).toEqual([["config-invalid", "tasks.a.config.arn"]]);
  });

  it("accepts any executor and config where none is described", async () => {
    expect((await tasks.parse({ name: "m", text, executors: [{ name: "lambda" }] })).problems).toEqual([]);
  });

  it("leaves the configs of version 1 to the yard", async () => {
    const first =
      "version: 1\nstates: { INIT: { tasks: [a], terminal: true } }\ntasks: { a: { executor: script, config: { file: 5 } } }\n";
    const { problems } = await tasks.parse({ name: "m", text: first, executors: [script] });
    const codes = problems.map(({ code }) => code);

    expect(codes).not.toContain("config-invalid");
  });
});

describe("what goes with a name", () => {
  it("is shown from its key on, or as an item of a list", async () => {
    const { removed } = tasks.removals({ text, what: "task", name: "app" });

    expect(removed.map(({ path, from }) => [path, text.slice(from).split(/[\s,]/, 1)[0]])).toEqual([
      ["tasks.app", "app:"],
      ["states.INIT.tasks.0", "app"],
    ]);
  });
});
