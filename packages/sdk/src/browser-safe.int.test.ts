import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

describe("an entry for browsers", () => {
  it.each([
    ["the main one", 33_000, 'export { Stackyard } from "./index.ts";'],
    ["that of releases", 33_000, 'export { createReleasesClient } from "./releases/index.ts";'],
    ["the stream of the main one", 12_000, 'export { openStream } from "./index.ts";'],
  ])("is bundled without any module of Node: %s", async (_which, most, contents) => {
    const { outputFiles, metafile } = await build({
      stdin: { contents, resolveDir: import.meta.dirname, loader: "ts" },
      bundle: true,
      format: "esm",
      platform: "browser",
      alias: { "@stackyard/core": join(import.meta.dirname, "../../core/src/index.ts") },
      write: false,
      metafile: true,
      minify: true,
      logLevel: "silent",
    });

    const text = outputFiles[0]?.text ?? "";
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
    expect(imports).toEqual([]);
    expect(text).not.toMatch(/node:|process\.|\bBuffer\b|require\(/);
    // A page pays for what it loads: the parser of machines and the schemas stay out.
    expect(text.length).toBeLessThan(most);
  });
});
