import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Returns the folder of the documentation that the project has installed as `@stackyard/docs`; undefined if it has not. */
export function findDocs(projectDir: string): string | undefined {
  try {
    const manifest = createRequire(join(projectDir, "stackyard.config.js")).resolve("@stackyard/docs/package.json");
    const folder = join(dirname(manifest), "dist");
    return existsSync(join(folder, "index.html")) ? folder : undefined;
  } catch {
    return undefined;
  }
}
