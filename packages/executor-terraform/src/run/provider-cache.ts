import { lstat, mkdir, readdir, rename, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Environment } from "@stackyard/core/programs";
import { createOwnedFolder, removeDeadFolders } from "./run-folder.ts";

/** `<host>/<namespace>/<type>/<version>/<system>`: the folders of a provider cache (Terraform docs, "CLI Configuration"). */
const DEPTH = 5;
const ADDRESS_DEPTH = 3;
const RUNS = ".runs";

/** The provider cache of one run. */
export interface RunProviderCache {
  readonly environment: Environment;
  /** Shares the providers that this run has installed with later runs. */
  share(): Promise<void>;
  remove(): Promise<void>;
}

/**
 * Opens the provider cache. Two concurrent runs of `init` must not use the same cache folder, so each run has its own
 * folder with links to the shared packages; new ones are moved into the shared folder afterwards by one rename per
 * package. No run waits for another, and a killed run leaves no partial file there. Two runs that need the same new
 * provider at the same time both load it, and one of the two is kept.
 */
export async function openProviderCache(shared: string): Promise<RunProviderCache> {
  // In the shared folder, because a rename needs the same file system.
  const runs = join(shared, RUNS);
  const own = await createOwnedFolder(runs);
  const [packages] = await Promise.all([findPackages(shared), removeDeadFolders(runs)]);
  await Promise.all(packages.map((name) => link(join(shared, name), join(own.path, name))));
  return {
    environment: {
      TF_PLUGIN_CACHE_DIR: own.path,
      // Without it a configuration that brings no lock file would load its providers anew each time.
      TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE: "1",
    },
    async share() {
      const installed = (await findPackages(own.path)).filter((name) => !packages.includes(name));
      await Promise.all(installed.map((name) => moveAndLink(join(own.path, name), join(shared, name))));
    },
    remove: own.remove,
  };
}

/** Returns the addresses of the providers in a folder of packages, such as `registry.terraform.io/hashicorp/aws`. */
export async function listProviders(folder: string): Promise<readonly string[]> {
  return findLevel(folder, ADDRESS_DEPTH);
}

/** Returns the packages of a cache, as paths relative to it. */
function findPackages(cache: string): Promise<string[]> {
  return findLevel(cache, DEPTH);
}

async function findLevel(cache: string, levels: number): Promise<string[]> {
  let level = [""];
  for (let depth = 0; depth < levels; depth += 1) {
    level = (await Promise.all(level.map((folder) => findFolders(cache, folder)))).flat();
  }
  return level;
}

async function findFolders(cache: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(cache, folder), { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.name.startsWith(".") && (entry.isDirectory() || entry.isSymbolicLink()))
    .map((entry) => join(folder, entry.name));
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path);
}

/** Moves a package and leaves a link, so that the run still finds it in its original place. */
async function moveAndLink(from: string, to: string): Promise<void> {
  // A provider of a local mirror is a link already; it is cheap to make again.
  if ((await lstat(from)).isSymbolicLink()) return;
  await mkdir(dirname(to), { recursive: true });
  const moved = await rename(from, to).then(
    () => true,
    // Another run was first: its package is as good, and ours is used until the end of this run.
    () => false,
  );
  if (moved) await symlink(to, from);
}
