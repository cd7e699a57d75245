import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import plugin from "./src/index.ts";
import config from "./stackyard.config.ts";
import { readTutorialFiles } from "./tutorial-files.ts";

const files = readTutorialFiles();

describe("docs/plugins.md", () => {
  it("shows every file unchanged (update it with `npm run generate`)", async () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/plugins.md"), "utf8");
    const written = page.replaceAll(
      /(<!-- begin (\S+): .*? -->\n\n```\w+ file=\2\n).*?(^```\n\n<!-- end \2 -->)/gms,
      (_, begin: string, path: string, end: string) =>
        begin + readFileSync(join(import.meta.dirname, path), "utf8") + end,
    );

    expect([...page.matchAll(/<!-- begin (\S+):/g)].map(([, path]) => path)).toEqual(files.map(({ path }) => path));
    await expect(written).toMatchFileSnapshot("../../docs/plugins.md");
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
