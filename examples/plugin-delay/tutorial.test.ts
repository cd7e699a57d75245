import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import plugin from "./src/index.ts";
import config from "./stackyard.config.ts";
import { readTutorialFiles } from "./tutorial-files.ts";

const files = readTutorialFiles();

describe("docs/plugins.md", () => {
  it.each(files.map((file) => [file.path, file.content]))("shows %s unchanged", (path, content) => {
    expect(content).toBe(readFileSync(join(import.meta.dirname, path), "utf8"));
  });

  it("shows every file that a reader needs", () => {
    const found = ["src", "machines"].flatMap((folder) =>
      readdirSync(join(import.meta.dirname, folder)).map((name) => `${folder}/${name}`),
    );
    const needed = [...found, "package.json", "tsconfig.json", "stackyard.config.ts"];

    expect(files.map((file) => file.path).sort()).toEqual(needed.sort());
  });

  it("names the plugin in a configuration", () => {
    const context = { projectDir: ".", dataDir: ".", environment: {}, readSecret: async () => "" };

    expect(config.plugins).toEqual([plugin]);
    expect(plugin.executors({}, context).map((executor) => executor.name)).toEqual(["delay"]);
  });
});
