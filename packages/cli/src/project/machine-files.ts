import { existsSync, statSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { loadMachineFile } from "@stackyard/core/engine";
import { type Machine, parseMachine } from "@stackyard/core/machine";
import { failWith } from "../shell/failure.ts";
import type { ExecutorRegistry, Problem } from "./machine-words.ts";
import { offerOwnPackages } from "./own-packages.ts";

/** A file with the machine in it, if it has one, and all that is to say about it. */
export interface MachineFileReport {
  /** As it was given, or as found in the folder that was given. */
  readonly file: string;
  readonly name: string;
  /** Undefined when a problem is an error. */
  readonly machine?: Machine;
  readonly problems: readonly Problem[];
}

export interface ReadMachinesOptions {
  readonly cwd: string;
  readonly executors: ExecutorRegistry;
  readonly strict?: boolean;
}

const ENDINGS: ReadonlySet<string> = new Set([".yml", ".yaml", ".json", ".ts", ".mts", ".js", ".mjs"]);

/**
 * Reads machines from files and from the files of folders, each judged alone. Throws `CONFIG_INVALID` that names every
 * path that is not there.
 */
export async function readMachineFiles(
  paths: readonly string[],
  { cwd, executors, strict = false }: ReadMachinesOptions,
): Promise<readonly MachineFileReport[]> {
  const missing = paths.filter((path) => !existsSync(resolve(cwd, path)));
  if (missing.length > 0) {
    throw failWith("CONFIG_INVALID", `There is no file or folder ${missing.map((path) => `"${path}"`).join(", ")}.`, {
      hint: "Check the spelling; paths start at the current folder.",
    });
  }
  const files = (await Promise.all(paths.map((path) => listFiles(cwd, path)))).flat();
  return Promise.all(files.map((file) => readMachineFile(resolve(cwd, file), file, { executors, strict })));
}

/** Returns the reports with an error for each machine that a folder has in several files: a yard uses none of them. */
export function markDuplicates(reports: readonly MachineFileReport[]): readonly MachineFileReport[] {
  const keyOf = ({ file, name }: MachineFileReport) => join(dirname(file), name);
  const byKey = Map.groupBy(new Map(reports.map((report) => [report.file, report])).values(), keyOf);
  return reports.map((report) => {
    const same = byKey.get(keyOf(report)) ?? [];
    if (same.length < 2) return report;
    const { file, name, problems } = report;
    const message = `The machine "${name}" is in several files: ${same.map((each) => each.file).join(", ")}. Keep one of them.`;
    const problem = { severity: "error", code: "machine-duplicate", path: "", line: 1, column: 1, message } as const;
    return { file, name, problems: [problem, ...problems] };
  });
}

/** Returns the names of the machines in a folder, without reading them. Throws when it cannot be listed. */
export async function listMachineNames(folder: string): Promise<readonly string[]> {
  const files = await listFiles(folder, ".");
  return files.map((file) => basename(file, extname(file)));
}

/** True where a path names a folder. */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

async function listFiles(cwd: string, path: string): Promise<readonly string[]> {
  if (!isFolder(resolve(cwd, path))) return [path];
  const entries = await readdir(resolve(cwd, path), { withFileTypes: true });
  return entries
    .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && isMachineFile(entry.name))
    .map(({ name }) => join(path, name))
    .sort();
}

function isMachineFile(name: string): boolean {
  return !name.startsWith(".") && !name.endsWith(".d.ts") && ENDINGS.has(extname(name));
}

async function readMachineFile(
  path: string,
  file: string,
  options: { readonly executors: ExecutorRegistry; readonly strict: boolean },
): Promise<MachineFileReport> {
  if (!ENDINGS.has(extname(path))) {
    // A file that is named outright is read as YAML, whatever its ending.
    const name = basename(path, extname(path));
    const { machine, problems } = parseMachine(await readFile(path, "utf8"), { ...options, name });
    return { file, name, problems, ...(machine === undefined ? {} : { machine }) };
  }
  offerOwnPackages();
  const { name, located } = await loadMachineFile(path, options);
  if (located.kind === "unknown") return { file, name, problems: [] };
  return { file, name, problems: located.problems, ...(located.kind === "found" ? { machine: located.machine } : {}) };
}
