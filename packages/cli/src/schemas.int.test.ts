import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadTemplate } from "./template.ts";

const read = (file: string) => readFileSync(new URL(file, import.meta.url), "utf8");

// A project depends on this package and not on core, so only this one is sure to lie in its node_modules.
describe("the schemas for editors", () => {
  it.each(["machine-v1.schema.json", "machine-v2.schema.json"])("%s is that of core", async (file) => {
    await expect(read(`../../core/schema/${file}`)).toMatchFileSnapshot(`../schema/${file}`);
  });

  it("are part of the package", () => {
    expect(JSON.parse(read("../package.json"))).toMatchObject({ files: expect.arrayContaining(["schema"]) });
  });

  it("are what the machines of a new project name", async () => {
    const machines = (await loadTemplate()).filter(({ path }) => path.startsWith("machines/"));

    const named = machines.map(({ path, text }) => {
      const [, from, file] = /\$schema=(\.\.\/node_modules\/stackyard\/)(\S+)/.exec(text) ?? [];
      return [path, from, JSON.parse(read(`../${file}`)).properties.version.anyOf[0].const];
    });
    expect(named).toEqual([["machines/review-app.yaml", "../node_modules/stackyard/", 1]]);
  });
});
