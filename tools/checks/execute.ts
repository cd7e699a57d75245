import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { repositoryRoot } from "./published-packages.ts";
import { findSlowness, SLOWNESS } from "./slowness.ts";

// Runs the programs of checks and tests, with one folder for the temporary files of all of them.

const LEAST_MEMORY_BYTES = 8 * 1_024 ** 3;

/** Returns a folder in memory if the machine has room for it: tests write thousands of small files, which cost a disk a tenth of the run. */
function findMemory(): string | undefined {
  const folder = "/dev/shm";
  if (!existsSync(folder)) return undefined;
  const { bavail, bsize } = statfsSync(folder);
  return Math.min(bavail * bsize, process.availableMemory()) > LEAST_MEMORY_BYTES ? folder : undefined;
}

let temp: string | undefined;

/** Returns the folder of temporary files, which goes when this process ends. */
export function openTemp(): string {
  if (temp !== undefined) return temp;
  const folder = mkdtempSync(join(findMemory() ?? tmpdir(), "tests-"));
  temp = folder;
  // As for the system's own folder: a database that tests start as root runs as another user.
  chmodSync(folder, 0o1777);
  process.on("exit", () => {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    } catch (error) {
      // What a process that still ends has written may stay; the test does not fail for it.
      console.error(`${folder} could not be removed: ${error instanceof Error ? error.message : error}`);
    }
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
  return folder;
}

const commonEnv = {
  ...process.env,
  PATH: `${join(repositoryRoot, "node_modules/.bin")}:${process.env["PATH"]}`,
  // Hundreds of processes load the same modules: a compiled module is kept for the next.
  NODE_COMPILE_CACHE: join(repositoryRoot, "node_modules/.cache/compiled"),
  // The compilers that are written in Go collect their garbage less often.
  GOGC: "400",
  // Large pages for what glibc allocates: a tenth less processor time, of tests with large buffers half.
  GLIBC_TUNABLES: "glibc.malloc.hugetlb=1",
  [SLOWNESS]: String(findSlowness()),
};

/** How a program runs. */
export interface ExecuteOptions {
  /** Its output is printed while it runs. */
  readonly live?: boolean;
  /** Variables of its environment in addition to the common ones. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program of the repository to its end. */
export function execute(
  [command, ...args]: readonly [string, ...string[]],
  { live = false, env = {} }: ExecuteOptions = {},
): Promise<{ exitCode: number; output: string }> {
  const child = spawn(command, args, {
    cwd: repositoryRoot,
    env: { ...commonEnv, TMPDIR: openTemp(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  // Without file descriptors, no streams exist, only the error.
  const streams: readonly (Readable | undefined)[] = [child.stdout, child.stderr];
  for (const stream of streams) {
    stream?.on("data", (chunk: Buffer) => {
      if (live) process.stdout.write(chunk);
      else output += chunk;
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ exitCode: code ?? 1, output }));
  });
}
