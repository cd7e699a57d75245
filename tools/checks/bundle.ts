import { existsSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import type { Options } from "tsup";
import { createBuildProgress } from "./build-progress.ts";
import { findUnbundled, findUnbundledApps, type Unbundled } from "./find-unbundled.ts";

// Bundles the packages whose bundles are missing or older than their sources, and with `--apps` such apps. One process makes
// all of them: one for each would mostly start. Type declarations, which no program reads, come from declarations.ts.

const withApps = process.argv.includes("--apps");
await bundleAll(findUnbundled(), "package");
// Packages are within the bundles of apps.
if (withApps) await bundleAll(findUnbundledApps(), "app");

async function bundleAll(missing: readonly Unbundled[], noun: string): Promise<void> {
  if (missing.length === 0) return;
  const startedAt = performance.now();
  console.log(`Building ${missing.length} ${missing.length === 1 ? noun : `${noun}s`} of this clone …`);
  const showProgress = createBuildProgress(process.stdout, missing.length);
  for (const [index, { folder, name }] of missing.entries()) {
    showProgress(index + 1, name);
    await bundle(folder).catch((error: unknown) => {
      console.error(`error ${name} could not be built: ${error instanceof Error ? error.message : error}`);
      process.exit(1);
    });
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
