// node tools/package/src/notices-process.ts FOLDER: prints the licenses of what is in the bundle of an app whose build writes a metafile.
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { loadComponents } from "./load-components.ts";
import { toNotices } from "./package-app.ts";
import { readBundleInputs } from "./read-bundle-inputs.ts";

const folder = resolve(process.argv[2] ?? ".");
const metafile: unknown = JSON.parse(await readFile(join(folder, "dist/metafile-esm.json"), "utf8"));
const root = join(import.meta.dirname, "../../..");
process.stdout.write(toNotices(await loadComponents(readBundleInputs(metafile, folder), root)));
