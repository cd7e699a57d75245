import { spawn } from "node:child_process";
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

function bundle({ folder, manifest }: PublishedPackage): Promise<void> {
  const tsup = join(repositoryRoot, "node_modules/tsup/dist/cli-default.js");
  // Declarations and bundles of an earlier `npm run build` stay where they are.
  const args = [tsup, "--no-clean", "--silent"];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
  return new Promise((resolve) => {
    const fail = (reason: string) => {
      console.error(`error ${manifest.name} could not be built: ${reason}`);
      process.exitCode = 1;
      resolve();
    };
    child.on("error", (error) => fail(error.message));
    child.on("close", (code) => (code === 0 ? resolve() : fail(`tsup ended with ${code}.`)));
  });
}
