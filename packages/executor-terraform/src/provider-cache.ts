import { lstat, mkdir, readdir, rename, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Environment } from "./environment.ts";
import { createOwnedFolder, removeDeadFolders } from "./owned-folder.ts";

/** `<host>/<namespace>/<type>/<version>/<system>`: the folders of a provider cache (Terraform docs, "CLI Configuration"). */
const DEPTH = 5;
const RUNS = ".runs";

/** The provider cache as one run sees it. */
export interface RunProviderCache {
  readonly environment: Environment;
  /** Gives the providers that this run has installed to later runs. */
  share(): Promise<void>;
  remove(): Promise<void>;
}

/**
 * Terraform's own cache folder must not be used by two runs of `init` at once. So each run has a folder of its own, in
 * which the shared packages stand as links; what it installs is moved into the shared folder afterwards by one rename
 * a package. Nobody waits, and a killed run leaves nothing half written there. Two runs that need the same new
 * provider at the same moment both load it, and one of the two is kept.
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

/** The packages of a cache, as paths relative to it. */
async function findPackages(cache: string): Promise<string[]> {
  let level = [""];
  for (let depth = 0; depth < DEPTH; depth += 1) {
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

/** The run itself goes on to find the package where it was. */
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
