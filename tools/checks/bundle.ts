import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import type { Options } from "tsup";
import { createBuildProgress } from "./build-progress.ts";
import { findUnbundled, type Unbundled } from "./find-unbundled.ts";
import { repositoryRoot } from "./published-packages.ts";

// Bundles what is missing or was made from other files: all packages, with `--apps` the apps too, or only the folder that is named.
// One process makes all of them: one for each would mostly start. Type declarations, which no program reads, come from
// declarations.ts.

const [given] = process.argv.slice(2);
const only = given === undefined || given === "--apps" ? undefined : resolve(given);
const withApps = given !== undefined;
if (only !== undefined && !existsSync(join(only, "tsup.config.ts"))) {
  console.error(`error ${only} has no tsup.config.ts: it is no package or app.`);
  process.exit(64);
}
await bundleAll(findUnbundled(repositoryRoot, withApps).filter(({ folder }) => only === undefined || folder === only));

async function bundleAll(missing: readonly Unbundled[]): Promise<void> {
  if (missing.length === 0) return;
  const startedAt = performance.now();
  console.log(`Building ${missing.length} ${missing.length === 1 ? "package" : "packages"} of this clone …`);
  const showProgress = createBuildProgress(process.stdout, missing.length);
  for (const [index, { folder, name, made, digest }] of missing.entries()) {
    showProgress(index + 1, name);
    made.forget();
    await bundle(folder).catch((error: unknown) => {
      console.error(`error ${name} could not be built: ${error instanceof Error ? error.message : error}`);
      process.exit(1);
    });
    made.note(digest);
  }
  showProgress(missing.length, "");
  console.log(`Built in ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`);
}

async function bundle(folder: string): Promise<void> {
  const { build } = await import("tsup");
  // tsup reads the package.json of the working directory; esbuild would keep the directory in which it was loaded.
  process.chdir(folder);
  const { default: given }: { readonly default: Options | Options[] } = await load(join(folder, "tsup.config.ts"));
  for (const options of [given].flat()) {
    const esbuildOptions: Options["esbuildOptions"] = (all, context) => {
      options.esbuildOptions?.(all, context);
      all.absWorkingDir = folder;
    };
    // Declarations of an earlier build stay. So do bundles when a first command or a demo makes them: a program that already
    // runs may load more of its own.
    // A build that shares its folder with others cleans only what it names.
    const own = Array.isArray(options.clean) ? options.clean : [];
    const clean = withApps && options.clean !== false && ["!**/*.d.ts", ...own];
    await build({ ...options, esbuildOptions, clean, config: false, silent: true });
  }
  const configFile = join(folder, "vite.config.ts");
  if (!existsSync(configFile)) return;
  const vite = await import("vite");
  await vite.build({ root: folder, configFile, logLevel: "error" });
}

function load(file: string) {
  return import(pathToFileURL(file).href);
}
