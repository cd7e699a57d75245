import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { makeTempProject } from "../testing/temp-project.ts";
import { loadConfigFile } from "./config.ts";

const projects: { remove(): void }[] = [];
afterEach(() => {
  for (const project of projects.splice(0)) project.remove();
});

function makeProject(files: Readonly<Record<string, string>>) {
  const project = makeTempProject(files);
  projects.push(project);
  return project.folder;
}

it("refuses a second configuration in the folder, whose keys would be ignored", async () => {
  const folder = makeProject({ "stackyard.config.json": "{}", "stackyard.config.mjs": "export default {};" });

  await expect(loadConfigFile(folder)).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: `Two configurations are in ${folder}: stackyard.config.mjs and stackyard.config.json.`,
  });
});

it("does not take the defaults in place of a configuration that is a link to nowhere", async () => {
  const folder = makeProject({});
  symlinkSync("missing.ts", join(folder, "stackyard.config.ts"));

  await expect(loadConfigFile(folder)).rejects.toThrow(join(folder, "stackyard.config.ts"));
});

it("takes a file that is named, and ignores those of other names", async () => {
  const folder = makeProject({ "stackyard.config.json": "{}", "company.config.json": "{}" });

  expect(await loadConfigFile(folder)).toMatchObject({ projectDir: folder, config: {} });
  expect(await loadConfigFile(folder, "company.config.json")).toMatchObject({ projectDir: folder, config: {} });
});
