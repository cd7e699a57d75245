import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../dist/bin.js", import.meta.url));

/** The end of a process. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The built command line at work. */
export interface SpawnedCli {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with the first line of standard output that fits. */
  line(fits: (line: string) => boolean): Promise<string>;
}

export interface SpawnOptions {
  readonly cwd: string;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Another copy of the program. */
  readonly bin?: string;
}

/** Starts the built command line. */
export function spawnCli(words: readonly string[], { cwd, stdin = "", env = {}, bin = BIN }: SpawnOptions): SpawnedCli {
  const { STACKYARD_URL, STACKYARD_TOKEN, STACKYARD_YARD, DATABASE_URL, ...inherited } = process.env;
  const child = spawn(process.execPath, [bin, ...words], { cwd, env: { ...inherited, ...env } });
  let [stdout, stderr] = ["", ""];
  const looks = new Set<() => void>();
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk;
    for (const look of looks) look();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  child.stdin.on("error", () => {});
  child.stdin.end(stdin);
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
  const line = (fits: (line: string) => boolean) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const found = stdout.split("\n").slice(0, -1).find(fits);
        if (found !== undefined) resolve(found);
      };
      looks.add(look);
      look();
      void ended.then(() => reject(new Error(`It ended without such a line:\n${stdout}${stderr}`)));
    });
  return { child, ended, line };
}

/** Runs the built command line to its end. */
export function execCli(words: readonly string[], options: SpawnOptions): Promise<Ended> {
  return spawnCli(words, options).ended;
}
