import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const dist = join(import.meta.dirname, "../dist");
const modules = join(import.meta.dirname, "../../../node_modules");

it.each([
  ["typebox", "license", "typebox/LICENSE"],
  ["yaml", "LICENSE", "yaml.LICENSE"],
])("%s is built into core, with its licence", (library, source, licence) => {
  const bundles = globSync("**/*.js", { cwd: dist }).map((file) => readFileSync(join(dist, file), "utf8"));

  expect(readFileSync(join(dist, licence), "utf8")).toBe(readFileSync(join(modules, library, source), "utf8"));
  const imports = new RegExp(`^(import .*|} )from "${library}["/]`, "m");
  expect(bundles.filter((text) => imports.test(text))).toEqual([]);
});
