import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { vi } from "vitest";
import { type DocSnippet, readDocSnippets } from "../doc-snippets.ts";
import { repositoryRoot } from "../published-packages.ts";

const bin = join(repositoryRoot, "packages/cli/dist/bin.js");
const SHELL = `stackyard() { "${process.execPath}" "${bin}" "$@"; }\nset -euo pipefail\n`;

/** A project in a temporary folder, and its yard at a free port. */
export interface PlayedProject {
  readonly folder: string;
  /** Runs a script as a reader would, with the port of this yard in place of 7070; rejects when a line of it fails. */
  run(script: string): Promise<string>;
  startYard(): Promise<void>;
  remove(): void;
}

/** Returns true where these programs are installed. */
export function hasPrograms(...programs: readonly string[]): boolean {
  return programs.every((program) => spawnSync(program, ["--version"]).status === 0);
}

/** Reads the code blocks of a page of the repository. */
export function readPage(page: string): readonly DocSnippet[] {
  return readDocSnippets(page, readFileSync(join(repositoryRoot, page), "utf8"));
}

/** Creates a project of a template. */
export function createProject(template: string): PlayedProject {
  const root = mkdtempSync(join(tmpdir(), "stackyard-played-"));
  const folder = join(root, "project");
  execFileSync(process.execPath, [bin, "init", folder, "--template", template]);
  let dev: ChildProcess | undefined;
  let port = "7070";
  return {
    folder,
    async run(script) {
      const text = SHELL + script.replaceAll("7070", port);
      return (await promisify(execFile)("bash", ["-c", text], { cwd: folder })).stdout;
    },
    async startYard() {
      let output = "";
      const started = spawn(process.execPath, [bin, "dev", "--port", "0", "--json"], { cwd: folder });
      dev = started;
      started.stdout.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
      await vi.waitUntil(() => output.includes("\n"), { timeout: 60_000 });
      port = new URL(JSON.parse(output.split("\n")[0] ?? "").url).port;
    },
    remove() {
      dev?.kill("SIGKILL");
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Writes the blocks of a page that are marked `file=PATH`. */
export function writeFiles(folder: string, snippets: readonly DocSnippet[]): void {
  for (const { note, text } of snippets) {
    const [, path] = /^file=(\S+)$/.exec(note) ?? [];
    if (path === undefined) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
