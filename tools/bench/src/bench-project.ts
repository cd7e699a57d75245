import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CLI = join(import.meta.dirname, "../../../packages/cli");

/** The built command line. */
export const BUILT_CLI = join(CLI, "dist/bin.js");

/** Runs `work` in a project as `stackyard init` makes it, with one machine, and removes it. */
export async function withProject<Result>(work: (cwd: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "bench-project-"));
  try {
    const { status, stderr } = spawnSync(process.execPath, [BUILT_CLI, "init", folder, "--template", "minimal"]);
    if (status !== 0) throw new Error(`No project could be made: ${stderr}`);
    await mkdir(join(folder, "node_modules"));
    await symlink(CLI, join(folder, "node_modules/stackyard"));
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
