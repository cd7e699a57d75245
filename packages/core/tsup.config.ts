import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { libraryOf } from "../../tsup.base.ts";

const folder = import.meta.dirname;
const library = libraryOf(folder);
const find = (specifier: string) => fileURLToPath(import.meta.resolve(specifier));

export default {
  ...library,
  entry: {
    ...library.entry,
    "typebox/index": find("typebox"),
    "typebox/compile": find("typebox/compile"),
    "typebox/value": find("typebox/value"),
  },
  onSuccess: () => copyFile(join(folder, "../../node_modules/typebox/license"), join(folder, "dist/typebox/LICENSE")),
};
