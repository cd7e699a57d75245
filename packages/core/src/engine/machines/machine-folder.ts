import { createHash, randomUUID } from "node:crypto";
import { lstat, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { describeThrown, StackyardError, toErrorText } from "../../errors/stackyard-error.ts";
import { requireUtf8 } from "../../machine/document/find-not-utf8.ts";
import type { Problem } from "../../machine/document/problem-list.ts";
import type { ExecutorRegistry } from "../../machine/executor-definition.ts";
import { defined, isMap } from "../../machine/json.ts";
import type { CompileResult } from "../../machine/machine.ts";
import { parseMachine, parseMachineDocument, toMachineSource } from "../../machine/parse-machine.ts";
import { isPathPart } from "../../machine/path-part.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LocatedMachine, Locator, MachineListing } from "../../ports/locator.ts";
import { importAnew, stampOf } from "./import-anew.ts";
import { readInput } from "./read-input.ts";

/** The input of the locator. */
interface FolderLocatorInput {
  readonly folder: string;
  readonly executors: ExecutorRegistry;
  readonly clock: Clock;
  /** The time for which a result is cached before the files are checked again. Default: one second. */
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
  readonly imports: ReadonlyMap<string, string>;
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

/**
 * Loads a file unless it is unchanged. Returns undefined for a file that is gone by now. An unreadable one is invalid,
 * and does not hide other machines.
 */
async function loadIfChanged(
  path: string,
  before: LoadedFile | undefined,
  input: FolderLocatorInput,
): Promise<LoadedFile | undefined> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    const stamp = `${mtimeMs}/${size}/${ino}`;
    if (before?.stamp === stamp && isSame(before.imports)) return before;
    const { name, located, imports } = await loadMachineFile(path, { executors: input.executors });
    return { path, stamp, name, located, imports };
  } catch (error) {
    if (isMissing(error) && !(await isLink(path))) return undefined;
    const message = `The file cannot be read: ${toErrorText(error)}`;
    const located = toInvalid("file-unreadable", message);
    return { path, stamp: "unreadable", name: nameOfFile(path), located, imports: new Map() };
  }
}

function isSame(imports: LoadedFile["imports"]): boolean {
  return [...imports].every(([path, stamp]) => stampOf(path) === stamp);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** Returns true for a link. One without a target is a mistake, unlike a file that was removed meanwhile. */
async function isLink(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isSymbolicLink() ?? false;
}

/** Returns machines by name; a name that two files use is invalid, and its error names both. */
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
  const message = `The machine "${name}" is defined in several files: ${paths.join(", ")}. Keep one of them.`;
  return toInvalid("machine-duplicate", message);
}

function toInvalid(code: string, message: string): LocatedMachine {
  return { kind: "invalid", problems: [{ severity: "error", code, path: "", line: 1, column: 1, message }] };
}

/** The options with which a file is loaded. */
interface LoadMachineOptions {
  readonly executors?: ExecutorRegistry;
  readonly strict?: boolean;
  /** Ends the wait for a pipe. */
  readonly signal?: AbortSignal;
}

/** A machine out of a file. */
interface MachineFile {
  /** The base name without its last extension, or the name that a module exports. */
  readonly name: string;
  readonly located: LocatedMachine;
  /** The files that a module imports, with their stamps: the machine changes with each of them. */
  readonly imports: ReadonlyMap<string, string>;
}

const TEXT = new Set([".yml", ".yaml", ".json"]);
const MODULES = new Set([".ts", ".mts", ".js", ".mjs"]);

/** Returns true for files that contain a machine: YAML, JSON, and modules whose default export is a machine. */
export function isMachineFile(path: string): boolean {
  const ending = extname(path);
  return !basename(path).startsWith(".") && !path.endsWith(".d.ts") && (TEXT.has(ending) || MODULES.has(ending));
}

/** Returns the name of a file's machine, unless a module exports another one. */
export function nameOfFile(path: string): string {
  return basename(path, extname(path));
}

/** Reads and compiles one file. A module that fails is an invalid machine; a file that cannot be read throws. */
export async function loadMachineFile(path: string, options: LoadMachineOptions = {}): Promise<MachineFile> {
  const fileName = nameOfFile(path);
  if (TEXT.has(extname(path))) {
    const source = await readInput(path, options.signal);
    const located = toLocated(parseMachine(source, { ...toParse(options), name: fileName }), source);
    return {
      name: fileName,
      located: located.kind === "invalid" ? { ...located, source } : located,
      imports: new Map(),
    };
  }
  return loadModule(path, fileName, options);
}

async function loadModule(path: string, fileName: string, options: LoadMachineOptions): Promise<MachineFile> {
  let imports: MachineFile["imports"] = new Map();
  try {
    requireUtf8(await readFile(path, "utf8"), basename(path));
    const loaded = await importAnew(resolve(path));
    imports = loaded.imports;
    if (loaded.result.kind === "failed") throw loaded.result.error;
    const { module } = loaded.result;
    const value = isMap(module) ? module["default"] : undefined;
    if (value === undefined) return { name: fileName, located: toFailed(NO_EXPORT), imports };
    const name = findName(value) ?? fileName;
    if (!isPathPart(name)) return { name: fileName, located: toFailed(toStepMessage(name)), imports };
    const result = parseMachineDocument(value, { ...toParse(options), name });
    return { name, located: toLocated(result, toMachineSource(value) ?? ""), imports };
  } catch (error) {
    const message = `The module cannot be loaded: ${describeThrown(error)}`;
    return { name: fileName, located: toFailed(message), imports };
  }
}

const NO_EXPORT = "The module has no default export. Write `export default defineMachine({ … })`.";

function toStepMessage(name: string): string {
  return `The module names its machine ${JSON.stringify(name)}, which cannot be part of an address. Choose another name.`;
}

function toFailed(message: string): LocatedMachine {
  const problem = { severity: "error", code: "module-failed", path: "", line: 1, column: 1, message } as const;
  return { kind: "invalid", problems: [problem] };
}

function toParse({ executors, strict }: LoadMachineOptions): { executors?: ExecutorRegistry; strict?: boolean } {
  return defined({ executors, strict });
}

function toLocated({ machine, problems }: CompileResult, source: string): LocatedMachine {
  if (machine === undefined) return { kind: "invalid", problems };
  return { kind: "found", machine, revision: { name: machine.name, hash: machine.hash, source }, problems };
}

function findName(value: unknown): string | undefined {
  const name = isMap(value) ? value["name"] : undefined;
  return typeof name === "string" ? name : undefined;
}

/** The text of a machine's document. */
export interface MachineSource {
  readonly source: string;
  /** SHA-256 of the text, in hexadecimal digits. */
  readonly hash: string;
  /** The path of its file. */
  readonly origin: string;
  /** False for links and for modules of TypeScript or JavaScript. */
  readonly isWritable: boolean;
}

/** The text that replaces a document. */
export interface WriteSourceInput {
  readonly source: string;
  /** The hash of the text that it replaces. */
  readonly expectedHash: string;
}

/** The documents of a folder of machines, for editors. */
export interface MachineSources {
  /** Finds a document. Undefined when the folder has no file with the name. */
  find(name: string): Promise<MachineSource | undefined>;
  /**
   * Replaces the text of a file whole, and returns the warnings about the new one. Throws `MACHINE_UNKNOWN`;
   * `MACHINE_INVALID` with `problems` for a document with errors; `RECORD_CONFLICT` with the present `hash` and
   * `source` when the file has changed meanwhile; and `FORBIDDEN` for a file that is a link or a module.
   */
  write(name: string, input: WriteSourceInput): Promise<readonly Problem[]>;
}

interface MachineSourcesInput {
  readonly folder: string;
  readonly executors: ExecutorRegistry;
}

/** Creates the sources of a folder. Names are compared with those of its files, so that no name leads out of it. */
export function createMachineSources({ folder, executors }: MachineSourcesInput): MachineSources {
  const find = (name: string) => findSource(folder, name);
  return {
    find,
    async write(name, { source, expectedHash }) {
      const present = await find(name);
      if (present === undefined) throw unknown(name);
      checkWritable(name, present);
      const { machine, problems } = parseMachine(source, { name, executors });
      if (machine === undefined) {
        throw new StackyardError("MACHINE_INVALID", `The document of "${name}" has errors. Nothing was written.`, {
          details: { problems },
        });
      }
      await replaceFile(present.origin, source, async () => {
        const now = await find(name);
        if (now?.hash !== expectedHash) throw changed(name, now);
        checkWritable(name, now);
      });
      return problems;
    },
  };
}

async function findSource(folder: string, name: string): Promise<MachineSource | undefined> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = entries.filter((entry) => isMachineFile(entry.name) && nameOfFile(entry.name) === name);
  const [file] = found;
  if (file === undefined) return undefined;
  if (found.length > 1) {
    const names = found.map((entry) => entry.name).join(", ");
    throw new StackyardError(
      "MACHINE_INVALID",
      `Several files have the machine "${name}": ${names}. Keep one of them.`,
    );
  }
  const origin = join(folder, file.name);
  const source = await readFile(origin, "utf8");
  const isWritable = file.isFile() && TEXT.has(extname(file.name));
  return { source, hash: hashOf(source), origin, isWritable };
}

function hashOf(source: string): string {
  return createHash("sha256").update(source, "utf8").digest("hex");
}

/**
 * Writes a new file next to the old one and moves it there: readers get one text or the other, and links are not
 * followed.
 */
async function replaceFile(path: string, text: string, check: () => Promise<void>): Promise<void> {
  const draft = `${path}.${randomUUID()}.draft`;
  const { mode } = await lstat(path);
  const file = await open(draft, "wx", mode & 0o777);
  try {
    await file
      .writeFile(text)
      .then(() => file.sync())
      .finally(() => file.close());
    await inTurn(path, async () => {
      await check();
      await rename(draft, path);
    });
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

const turns = new Map<string, Promise<void>>();

/** Runs the calls of this process for a path one after the other: between a check and its rename no other writes. */
function inTurn(path: string, call: () => Promise<void>): Promise<void> {
  const turn = (turns.get(path) ?? Promise.resolve()).then(call, call);
  turns.set(path, turn);
  const end = () => {
    if (turns.get(path) === turn) turns.delete(path);
  };
  turn.then(end, end);
  return turn;
}

function checkWritable(name: string, { isWritable, origin }: MachineSource): void {
  if (isWritable) return;
  throw new StackyardError("FORBIDDEN", `"${origin}" of the machine "${name}" is a link or a module. Edit it by hand.`);
}

function unknown(name: string): StackyardError {
  return new StackyardError("MACHINE_UNKNOWN", `No file in the machines folder defines the machine "${name}".`);
}

function changed(name: string, now: MachineSource | undefined): StackyardError {
  const details = defined({ hash: now?.hash, source: now?.source });
  return new StackyardError("RECORD_CONFLICT", `The file of "${name}" has changed meanwhile. Nothing was written.`, {
    details,
  });
}
