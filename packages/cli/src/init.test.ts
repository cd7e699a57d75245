import { fileURLToPath } from "node:url";
import { createSimulation, parseMachine } from "@stackyard/core/machine";
import { lambdaDefinition } from "@stackyard/executor-lambda/definition";
import { terraformDefinition } from "@stackyard/executor-terraform/definition";
import { parseMapping } from "@stackyard/hosts";
import { leakCheckDefinition, quotaDefinition } from "@stackyard/previews";
import { promotionDefinitions } from "@stackyard/promotion/definition";
import { describe, expect, it } from "vitest";
import { loadTemplate } from "./init.ts";

const CLONE = fileURLToPath(new URL("../../../", import.meta.url));

const NAMES = ["review-app", "minimal", "staging", "sandbox", "previews", "promotion"] as const;
const DEFINITIONS = [
  terraformDefinition,
  lambdaDefinition,
  quotaDefinition,
  leakCheckDefinition,
  ...promotionDefinitions,
];

describe.each(NAMES)("the template %s", (name) => {
  it("has machines that are valid, strictly, and accept no other metadata than they declare", async () => {
    const files = await loadTemplate(name, "/projects/new");
    const machines = files.filter(({ path }) => path.startsWith("machines/"));
    const executors = new Map(DEFINITIONS.map((each) => [each.name, each] as const));

    const problems = machines.flatMap(({ path, text }) => {
      const machine = path.slice("machines/".length, -".yaml".length);
      return parseMachine(text, { name: machine, strict: true, executors }).problems;
    });

    expect(problems).toEqual([]);
    expect(machines.length).toBeGreaterThan(0);
    for (const { text } of machines) expect(text).toMatch(/^additionalMetadata: false$/m);
  });

  it("writes nothing outside of the project, and has a README, the SDK and what git ignores", async () => {
    const files = new Map((await loadTemplate(name, "/projects/new")).map(({ path, text }) => [path, text]));

    // A project of a clone names the packages of the clone, which may lie anywhere.
    for (const [path, text] of files)
      expect([path, text.replaceAll(CLONE, "")]).not.toEqual([path, expect.stringContaining("/tmp")]);
    expect([...files.keys()]).toEqual(expect.arrayContaining(["README.md", "stackyard.config.ts", ".gitignore"]));
    expect(files.get(".gitignore")).toContain("environments/");
    expect(JSON.parse(files.get("package.json") ?? "").dependencies).toHaveProperty("@stackyard/sdk");
  });
});

describe("the template of previews", () => {
  it("has a valid machine and a valid mapping document, which send only events of the machine", async () => {
    const files = new Map((await loadTemplate("previews", "/projects/new")).map(({ path, text }) => [path, text]));
    const definitions = [terraformDefinition, quotaDefinition, leakCheckDefinition, ...promotionDefinitions];
    const executors = new Map(definitions.map((each) => [each.name, each] as const));
    const source = files.get("machines/preview.yaml") ?? "";

    const { machine, problems } = parseMachine(source, { name: "preview", strict: true, executors });
    const { mapping, problems: faults } = parseMapping(files.get("hooks/shop.yaml") ?? "", "shop.yaml");

    expect([problems, faults]).toEqual([[], []]);
    expect(mapping?.machine).toBe(machine?.name);
    const sent = [...(files.get("hooks/shop.yaml") ?? "").matchAll(/send: ([A-Z]+)/g)].map(([, event]) => event);
    expect(sent).toHaveLength(8);
    for (const event of sent) expect(source).toMatch(new RegExp(`^ {2}${event}: {`, "m"));
  });

  it.each([
    ["the wait for a place", [], ["slot"]],
    ["an apply", ["slot", "plan"], ["apply"]],
  ])("cancels %s when the pull request is closed", async (_, done, cancelled) => {
    const files = new Map((await loadTemplate("previews", "/projects/new")).map(({ path, text }) => [path, text]));
    const { machine } = parseMachine(files.get("machines/preview.yaml") ?? "", { name: "preview" });
    const { step } = createSimulation(new Map([["preview", machine]]));
    const send = (event: string) =>
      step({ event: { id: event, stackId: "a", machine: "preview", event, metadata: { sha: "1" } } });
    const outputs = {
      plan: "p",
      summary: "1 to add.",
      monthly_cost: 1,
      unchanged: false,
      destroys: 0,
      forgets: 0,
      imports: 0,
      vanished: 0,
    };

    send("OPENED");
    for (const task of done) step({ task, result: "succeeded", outputs });

    expect(send("CLOSED")).toMatchObject({ stack: { state: "CLEAN-UP" }, cancelled });
  });

  it("depends on the packages of the same clone, also in production", async () => {
    const manifest = (await loadTemplate("previews", "/projects/new")).find(({ path }) => path === "package.json");

    expect(JSON.parse(manifest?.text ?? "")).toMatchObject({
      dependencies: {
        stackyard: expect.stringMatching(/^file:.*\/packages\/cli$/),
        "@stackyard/sdk": expect.stringMatching(/^file:.*\/packages\/sdk$/),
        "@stackyard/hosts": expect.stringMatching(/^file:.*\/packages\/hosts$/),
        "@stackyard/previews": expect.stringMatching(/^file:.*\/packages\/previews$/),
      },
    });
  });
});
