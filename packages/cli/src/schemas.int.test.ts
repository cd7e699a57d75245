import { readFileSync } from "node:fs";
import { createMachineV1Schema, createMachineV2Schema } from "@stackyard/core/machine";
import { commandDefinition } from "@stackyard/executor-command/definition";
import { lambdaDefinition } from "@stackyard/executor-lambda/definition";
import { terraformDefinition } from "@stackyard/executor-terraform/definition";
import { promotionDefinitions } from "@stackyard/promotion/definition";
import { describe, expect, it } from "vitest";
import { loadTemplate } from "./init.ts";

const read = (file: string) => readFileSync(new URL(file, import.meta.url), "utf8");

// A project depends on this package and not on core, so only this one is sure to lie in its node_modules.
describe("the schemas for editors", () => {
  it.each([
    ["machine-v1.schema.json", createMachineV1Schema],
    ["machine-v2.schema.json", createMachineV2Schema],
  ])("%s is that of core with the built-in executors", async (file, createSchema) => {
    const json = JSON.stringify(
      createSchema([terraformDefinition, lambdaDefinition, commandDefinition, ...promotionDefinitions]),
      null,
      2,
    );
    // As the formatter wants it: lists of texts on one line.
    const published = json.replaceAll(/\[\s+("[^"]*"(?:,\s+"[^"]*")*)\s+\]/g, (_, items: string) => {
      return `[${items.replaceAll(/\s+/g, " ")}]`;
    });

    await expect(`${published}\n`).toMatchFileSnapshot(`../schema/${file}`);
  });

  it("are part of the package", () => {
    expect(JSON.parse(read("../package.json"))).toMatchObject({ files: expect.arrayContaining(["schema"]) });
  });

  it("are what the machine of a new project names", async () => {
    const templates = await Promise.all([loadTemplate("review-app", "/new"), loadTemplate("previews", "/new")]);
    const machines = templates.flat().filter(({ path }) => path.startsWith("machines/"));

    const named = machines.map(({ path, text }) => [path, findNamedVersion(text)]);

    expect(named).toEqual([
      ["machines/review-app.yaml", 2],
      ["machines/preview.yaml", 2],
    ]);
  });

  it("are what the example of version 1 names", () => {
    expect(findNamedVersion(read("../../../examples/version-1/machines/sandbox.yaml"))).toBe(1);
  });
});

/** The version of machines that the schema in the first line is for; it lies in a project's packages. */
function findNamedVersion(source: string): unknown {
  const [, file = "none"] =
    /^# yaml-language-server: \$schema=\.\.\/node_modules\/stackyard\/(\S+)\n/.exec(source) ?? [];
  const { version } = JSON.parse(read(`../${file}`)).properties;
  return version.const ?? version.anyOf[0].const;
}
