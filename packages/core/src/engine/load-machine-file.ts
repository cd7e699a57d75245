import { readFile } from "node:fs/promises";
import { basename, extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { describeThrown } from "../errors/stackyard-error.ts";
import type { ExecutorRegistry } from "../machine/executor-definition.ts";
import type { CompileResult } from "../machine/machine.ts";
import { parseMachine, parseMachineDocument, toMachineSource } from "../machine/parse-machine.ts";
import type { LocatedMachine } from "../ports/locator.ts";

/** How to load a file. */
export interface LoadMachineOptions {
  readonly executors?: ExecutorRegistry;
  readonly strict?: boolean;
  /** Tells versions of a module apart, which would else be imported once only. */
  readonly stamp?: string;
}

/** A machine out of a file. */
export interface MachineFile {
  /** The base name without its last ending, or the one that a module gives. */
  readonly name: string;
  readonly located: LocatedMachine;
}

const TEXT = new Set([".yml", ".yaml", ".json"]);
const MODULES = new Set([".ts", ".mts", ".js", ".mjs"]);

/** True for files that hold a machine: YAML, JSON, and modules whose default export is a machine. */
export function isMachineFile(path: string): boolean {
  const ending = extname(path);
  return !basename(path).startsWith(".") && !path.endsWith(".d.ts") && (TEXT.has(ending) || MODULES.has(ending));
}

/** The name of a file's machine, unless a module gives another one. */
export function nameOfFile(path: string): string {
  return basename(path, extname(path));
}

/** Reads and compiles one file. A module that fails is an invalid machine; a file that cannot be read throws. */
export async function loadMachineFile(path: string, options: LoadMachineOptions = {}): Promise<MachineFile> {
  const fileName = nameOfFile(path);
  if (TEXT.has(extname(path))) {
    const source = await readFile(path, "utf8");
    return {
      name: fileName,
      located: toLocated(parseMachine(source, { ...toParse(options), name: fileName }), source),
    };
  }
  return loadModule(path, fileName, options);
}

async function loadModule(path: string, fileName: string, options: LoadMachineOptions): Promise<MachineFile> {
  try {
    const url = pathToFileURL(resolve(path));
    if (options.stamp !== undefined) url.searchParams.set("stamp", options.stamp);
    const module: unknown = await import(url.href);
    const value = typeof module === "object" && module !== null && "default" in module ? module.default : undefined;
    if (value === undefined) return { name: fileName, located: toFailed(NO_EXPORT) };
    const name = findName(value) ?? fileName;
    const result = parseMachineDocument(value, { ...toParse(options), name });
    return { name, located: toLocated(result, toMachineSource(value) ?? "") };
  } catch (error) {
    const message = `The module cannot be loaded: ${describeThrown(error)}`;
    return { name: fileName, located: toFailed(message) };
  }
}

const NO_EXPORT = "The module has no default export. Write `export default defineMachine({ … })`.";

function toFailed(message: string): LocatedMachine {
  const problem = { severity: "error", code: "module-failed", path: "", line: 1, column: 1, message } as const;
  return { kind: "invalid", problems: [problem] };
}

function toParse({ executors, strict }: LoadMachineOptions): { executors?: ExecutorRegistry; strict?: boolean } {
  return { ...(executors === undefined ? {} : { executors }), ...(strict === undefined ? {} : { strict }) };
}

function toLocated({ machine, problems }: CompileResult, source: string): LocatedMachine {
  if (machine === undefined) return { kind: "invalid", problems };
  return { kind: "found", machine, revision: { name: machine.name, hash: machine.hash, source }, problems };
}

function findName(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !("name" in value)) return undefined;
  return typeof value.name === "string" ? value.name : undefined;
}
