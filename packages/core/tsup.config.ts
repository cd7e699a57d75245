import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Options } from "tsup";
import { libraryOf } from "../../tsup.base.ts";

const folder = import.meta.dirname;
const library = libraryOf(folder);
const modules = join(folder, "../../node_modules");
const find = (specifier: string) => fileURLToPath(import.meta.resolve(specifier));

export default {
  ...library,
  entry: {
    ...library.entry,
    "typebox/index": find("typebox"),
    "typebox/compile": find("typebox/compile"),
    "typebox/value": find("typebox/value"),
  },
  // Yaml is 60 files for Node, and reading them takes a process 50 ms. Those that it has for browsers are modules, which become one.
  noExternal: [...(library.noExternal ?? []), "yaml"],
  esbuildOptions: (options) => {
    options.alias = { yaml: join(modules, "yaml/browser/dist/index.js") };
  },
  onSuccess: async () => {
    await copyFile(join(modules, "typebox/license"), join(folder, "dist/typebox/LICENSE"));
    await copyFile(join(modules, "yaml/LICENSE"), join(folder, "dist/yaml.LICENSE"));
  },
} satisfies Options;
