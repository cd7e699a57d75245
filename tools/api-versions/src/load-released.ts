import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ApiDocument } from "./load-document.ts";

/** The document may have several megabytes. */
const maxBuffer = 256 * 1024 * 1024;

/** Returns the newest tag of a release, such as `v0.2.0`, among the ancestors of the checked-out commit. */
export function findLastRelease(root: string): string | undefined {
  const options = [
    "tag",
    "--merged",
    "HEAD",
    "--no-contains",
    "HEAD",
    "--sort",
    "-version:refname",
    "--list",
    "v[0-9]*",
  ];
  const text = execFileSync("git", options, { cwd: root, encoding: "utf8" });
  return text.split("\n").find((line) => /^v\d+\.\d+\.\d+$/.test(line));
}

/**
 * Loads the OpenAPI document of a released version from its own sources, with its own dependencies: checks the tag out into a temporary
 * folder, installs and builds it there. Takes minutes.
 */
export async function loadReleased(root: string, tag: string): Promise<ApiDocument> {
  const place = mkdtempSync(join(tmpdir(), "released-"));
  const folder = join(place, "checkout");
  const run = (file: string, ...options: readonly string[]) =>
    execFileSync(file, options, { cwd: folder, encoding: "utf8", maxBuffer, stdio: ["ignore", "pipe", "inherit"] });
  execFileSync("git", ["worktree", "add", "--quiet", "--detach", folder, tag], { cwd: root, stdio: "inherit" });
  try {
    run("npm", "install");
    run("npm", "run", "--silent", "build");
    return JSON.parse(run("npx", "--no", "--", "node", "tools/api-versions/src/print-document-process.ts"));
  } finally {
    execFileSync("git", ["worktree", "remove", "--force", folder], { cwd: root, stdio: "inherit" });
    rmSync(place, { recursive: true, force: true });
  }
}
