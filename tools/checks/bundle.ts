import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { findUnbundled } from "./find-unbundled.ts";
import { type PublishedPackage, repositoryRoot } from "./published-packages.ts";

// Bundles the packages whose bundles are missing or older than their sources. Without type declarations, which no program reads.

const missing = findUnbundled();
if (missing.length > 0) {
  const startedAt = performance.now();
  const count = missing.length === 1 ? "1 package" : `${missing.length} packages`;
  console.log(`Building ${count} of this clone …`);
  const queue = [...missing];
  await Promise.all(Array.from({ length: availableParallelism() }, () => work(queue)));
  if (!process.exitCode) console.log(`Built in ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`);
}

async function work(queue: PublishedPackage[]): Promise<void> {
  // What a package imports stays outside of its bundle, so they can be made in any order.
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) await bundle(next);
}

/** Declarations and bundles of an earlier `npm run build` stay where they are. */
async function bundle({ folder, manifest }: PublishedPackage): Promise<void> {
  const programs = [["tsup/dist/cli-default.js", "--no-clean", "--silent"]];
  if (existsSync(join(folder, "vite.config.ts"))) programs.push(["vite/bin/vite.js", "build", "--logLevel", "error"]);
  for (const [program = "", ...args] of programs) {
    const reason = await execute([join(repositoryRoot, "node_modules", program), ...args], folder);
    if (reason === undefined) continue;
    console.error(`error ${manifest.name} could not be built: ${reason}`);
    process.exitCode = 1;
    return;
  }
}

/** Returns why the program failed; undefined when it did not. */
function execute(args: readonly string[], cwd: string): Promise<string | undefined> {
  const child = spawn(process.execPath, args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
  return new Promise((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code) => resolve(code === 0 ? undefined : `${args[0]} ended with ${code}.`));
  });
}
