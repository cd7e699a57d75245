import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/**
 * Packs the built documentation as a package of its own, which no server needs: returns its name and content, or undefined where
 * `npm run docs` has not built it.
 */
export function packDocs(root: string): readonly [name: string, content: Uint8Array] | undefined {
  const folder = join(root, "tools/docs");
  if (!existsSync(join(folder, "dist/index.html"))) return undefined;
  const temp = mkdtempSync(join(tmpdir(), "stackyard-docs-"));
  try {
    const words = ["pack", folder, "--ignore-scripts", "--pack-destination", temp];
    execFileSync("npm", words, { cwd: temp, stdio: "pipe" });
    const [file = ""] = globSync("*.tgz", { cwd: temp });
    return [basename(file), readFileSync(join(temp, file))];
  } finally {
    rmSync(temp, { recursive: true, force: true });
  }
}
