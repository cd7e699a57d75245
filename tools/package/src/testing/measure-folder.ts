import { globSync, statSync } from "node:fs";
import { join } from "node:path";

/** Returns the bytes of all files below a folder. */
export function measureFolder(folder: string): number {
  const entries = globSync("**", { cwd: folder, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

/**
 * Half of the bytes that Stackyard and its packages had when an installation for a server with Postgres and functions contained all of
 * them: as much as one may have.
 */
export const MOST_INSTALLED = (277 * 1024 * 1024) / 2;
