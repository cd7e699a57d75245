import { lstat, readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { toErrorText } from "../errors/stackyard-error.ts";
import type { ExecutorRegistry } from "../machine/executor-definition.ts";
import type { Clock } from "../ports/clock.ts";
import type { LocatedMachine, Locator, MachineListing } from "../ports/locator.ts";
import { isMachineFile, loadMachineFile, nameOfFile } from "./load-machine-file.ts";

/** What the locator works with. */
export interface FolderLocatorInput {
  readonly folder: string;
  readonly executors: ExecutorRegistry;
  readonly clock: Clock;
  /** How long an answer is good before the files are looked at again. Default: one second. */
  readonly cacheMs?: number;
}

/** Machines of a folder, each file judged alone; sub-folders are not looked into. A file that changed is read again. */
export function createFolderLocator(input: FolderLocatorInput): Locator {
  const cacheMs = input.cacheMs ?? 1_000;
  const files = new Map<string, LoadedFile>();
  let listings: ReadonlyMap<string, MachineListing> = new Map();
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;

  async function refresh(fresh: boolean): Promise<void> {
    if (reading !== undefined) await reading;
    if (!fresh && input.clock.now() - readAt < cacheMs) return;
    reading = read().finally(() => {
      reading = undefined;
    });
    await reading;
  }

  async function read(): Promise<void> {
    const names = await listFiles(input.folder);
    for (const known of files.keys()) if (!names.includes(known)) files.delete(known);
    for (const name of names) {
      const file = await loadIfChanged(join(input.folder, name), files.get(name), input);
      if (file === undefined) files.delete(name);
      else files.set(name, file);
    }
    listings = toListings(files);
    readAt = input.clock.now();
  }

  return {
    async find(name, options) {
      await refresh(options?.fresh ?? false);
      return listings.get(name)?.located ?? { kind: "unknown" };
    },
    async list() {
      await refresh(false);
      return [...listings.values()];
    },
  };
}

interface LoadedFile {
  readonly path: string;
  readonly stamp: string;
  readonly name: string;
  readonly located: LocatedMachine;
}

async function listFiles(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(resolve(folder), { withFileTypes: true });
    return entries
      .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && isMachineFile(entry.name))
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Undefined for a file that is gone by now. One that cannot be read is invalid: it hides no other machine. */
async function loadIfChanged(
  path: string,
  before: LoadedFile | undefined,
  input: FolderLocatorInput,
): Promise<LoadedFile | undefined> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    const stamp = `${mtimeMs}/${size}/${ino}`;
    if (before?.stamp === stamp) return before;
    const { name, located } = await loadMachineFile(path, { executors: input.executors, stamp });
    return { path, stamp, name, located };
  } catch (error) {
    if (isMissing(error) && !(await isLink(path))) return undefined;
    const message = `The file cannot be read: ${toErrorText(error)}`;
    return { path, stamp: "unreadable", name: nameOfFile(path), located: toInvalid("file-unreadable", message) };
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** A link whose target is not there is a mistake, and no file that was removed meanwhile. */
async function isLink(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isSymbolicLink() ?? false;
}

/** Machines by name; a name that two files give is invalid and names both. */
function toListings(files: ReadonlyMap<string, LoadedFile>): ReadonlyMap<string, MachineListing> {
  const listings = new Map<string, MachineListing>();
  for (const file of files.values()) {
    const other = listings.get(file.name);
    const located = other === undefined ? file.located : toClash(file.name, [other.origin, file.path]);
    listings.set(file.name, { name: file.name, origin: file.path, located });
  }
  return listings;
}

function toClash(name: string, paths: readonly string[]): LocatedMachine {
  const message = `The machine "${name}" stands in several files: ${paths.join(", ")}. Keep one of them.`;
  return toInvalid("machine-duplicate", message);
}

function toInvalid(code: string, message: string): LocatedMachine {
  return { kind: "invalid", problems: [{ severity: "error", code, path: "", line: 1, column: 1, message }] };
}
