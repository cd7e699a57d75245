import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { vi } from "vitest";
import { type DocSnippet, readDocSnippets } from "../doc-snippets.ts";
import { repositoryRoot } from "../published-packages.ts";

const bin = join(repositoryRoot, "packages/cli/dist/bin.js");
const SHELL = `stackyard() { "${process.execPath}" "${bin}" "$@"; }\nnpx() { shift; "$@"; }\nset -euo pipefail\n`;

/** A project in a temporary folder, and its yard at a free port. */
export interface PlayedProject {
  readonly folder: string;
  /** Runs a script as a reader would, with the port of this yard in place of 7070; rejects when a line of it fails. */
  run(script: string): Promise<string>;
  /** Starts the yard, or starts it again. */
  startYard(words?: readonly string[], env?: Readonly<Record<string, string>>): Promise<void>;
  stopYard(): Promise<void>;
  /** The address of the yard, and that at which a person signs in. */
  readonly yard: () => { readonly url: string; readonly signInUrl: string };
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
  // As `npm install` does with the packages of the clone.
  symlinkSync(join(repositoryRoot, "node_modules"), join(folder, "node_modules"));
  let dev: ChildProcess | undefined;
  let yard = { url: "http://127.0.0.1:7070", signInUrl: "" };
  return {
    folder,
    yard: () => yard,
    async run(script) {
      const text = SHELL + script.replaceAll("7070", new URL(yard.url).port);
      return (await promisify(execFile)("bash", ["-c", text], { cwd: folder })).stdout;
    },
    async startYard(words = [], env = {}) {
      await end(dev);
      let output = "";
      const options = { cwd: folder, env: { ...process.env, ...env } };
      const started = spawn(process.execPath, [bin, "dev", "--port", "0", "--json", ...words], options);
      dev = started;
      let errors = "";
      started.stdout.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
      started.stderr.on("data", (chunk: Buffer) => {
        errors += chunk.toString();
      });
      await vi.waitUntil(() => output.includes("\n") || started.exitCode !== null, { timeout: 60_000 });
      if (started.exitCode !== null) throw new Error(errors);
      yard = JSON.parse(output.split("\n")[0] ?? "");
    },
    stopYard: () => end(dev),
    remove() {
      dev?.kill("SIGKILL");
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
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
