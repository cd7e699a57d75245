import { globSync, statSync } from "node:fs";
import { join } from "node:path";

/** Returns the bytes of all files below a folder. */
export function measureFolder(folder: string): number {
  const entries = globSync("**", { cwd: folder, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
