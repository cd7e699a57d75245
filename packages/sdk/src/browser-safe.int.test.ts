import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

describe("the main entry", () => {
  it("is bundled for a browser without any module of Node", async () => {
    const { outputFiles, metafile } = await build({
      stdin: { contents: 'export { Stackyard } from "./index.ts";', resolveDir: import.meta.dirname, loader: "ts" },
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
    expect(text).not.toMatch(/node:|process\.|Buffer\b|require\(/);
    // A page pays for what it loads: the parser of machines and the schemas stay out.
    expect(text.length).toBeLessThan(25_000);
  });
});
