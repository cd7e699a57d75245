import { existsSync, mkdirSync } from "node:fs";
// Versions that this program refuses lack what is named below: with named imports they would not get as far.
import nodeModule from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/**
 * Lets Node keep what it compiles, and what it makes of TypeScript, by the digest of each file's text: the next start takes it from there.
 * The folder is one in the user's cache folder, or that of `NODE_COMPILE_CACHE`. Without a folder
 * that can be written, nothing is kept and nothing fails. Returns true if something is kept there.
 */
export function keepCompiled(env: Readonly<Record<string, string | undefined>>): boolean {
  const folder = findFolder(env);
  if (folder === undefined || env["NODE_DISABLE_COMPILE_CACHE"] || env["NODE_COMPILE_CACHE"]) return false;
  if (!ensureFolders([dirname(dirname(folder)), dirname(folder), folder])) return false;
  const { status } = nodeModule.enableCompileCache(folder);
  const { ENABLED, ALREADY_ENABLED } = nodeModule.constants.compileCacheStatus;
  return status === ENABLED || status === ALREADY_ENABLED;
}

// Node would try without end where the system refuses a folder as it does below /proc.
function ensureFolders(folders: readonly string[]): boolean {
  try {
    for (const folder of folders) if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
    return true;
  } catch {
    return false;
  }
}

function findFolder(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const caches = env["XDG_CACHE_HOME"];
  // The specification of these folders has relative paths ignored.
  if (caches?.startsWith("/")) return join(caches, "stackyard/compiled");
  const home = env["HOME"] || findHome();
  return home === undefined ? undefined : join(home, ".cache/stackyard/compiled");
}

// Throws for a user without an entry, as in a container with a number for its user.
function findHome(): string | undefined {
  try {
    return homedir() || undefined;
  } catch {
    return undefined;
  }
}
