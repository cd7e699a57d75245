// Runs in an app's folder, for tsup reads its entries from there: node bundle-process.ts OUT. Prints nothing on standard output.
import { pathToFileURL } from "node:url";
import { build, type Options } from "tsup";

/** The folder that the builds of apps name for what Lambda runs. */
const FUNCTION_FOLDER = "dist/lambda";

const [out = ""] = process.argv.slice(2);
const { default: config }: { default: Options | Options[] } = await import(
  pathToFileURL(`${process.cwd()}/tsup.config.ts`).href
);
const found = [config].flat().find(({ outDir }) => outDir === FUNCTION_FOLDER);
// An app without a function, such as a container only, is not a failure.
if (found === undefined) process.exitCode = 3;
else await build({ ...found, outDir: out, config: false, metafile: true, silent: true, clean: true });
