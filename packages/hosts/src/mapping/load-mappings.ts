import { readdir, readFile } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { type CheckContext, type DocumentReport, type MachineSource, StackyardError } from "@stackyard/core";
import { type Problem, parseYamlDocument } from "@stackyard/core/machine";
import type { HostsOptions } from "../host-options.ts";
import { type Mapping, MappingDocument, parseMapping } from "./mapping.ts";

/** Reads the mapping documents of a folder, in the order of their names. Throws `CONFIG_INVALID` with all faults. */
export async function loadMappings(folder: string): Promise<readonly Mapping[]> {
  const parsed = await parseDocuments(folder, (source, name) => parseMapping(source, name));
  const faults = parsed.flatMap(formatFaults);
  const twice = parsed.find(({ name }, index) => parsed.findIndex((other) => other.name === name) < index);
  if (twice !== undefined) faults.push(`${twice.file}: another document has the same name.`);
  if (faults.length === 0) return parsed.flatMap(({ mapping }) => (mapping === undefined ? [] : [mapping]));
  throw new StackyardError(
    "CONFIG_INVALID",
    `Deliveries wait until mapping documents are corrected: ${faults.join(" ")}`,
  );
}

/** Checks the mapping documents of a project. Without hosts it needs none. */
export async function checkProject(
  { hosts = {}, documents = "hooks" }: HostsOptions,
  { projectDir, machines }: CheckContext,
): Promise<readonly DocumentReport[]> {
  return Object.keys(hosts).length === 0 ? [] : checkMappings(resolve(projectDir, documents), machines);
}

/** Checks the mapping documents of a folder, also against the machines of their stacks. */
export function checkMappings(folder: string, machines: MachineSource): Promise<readonly DocumentReport[]> {
  return parseDocuments(folder, (source, name) => checkMapping(source, name, machines));
}

/** Parses a document with the machine of its stacks. A machine that has errors itself is not compared. */
export async function checkMapping(
  source: string,
  name: string,
  machines: MachineSource,
): Promise<ReturnType<typeof parseMapping>> {
  const parsed = parseMapping(source, name);
  if (parsed.mapping === undefined) return parsed;
  const { machine } = parsed.mapping;
  const located = await machines.find(machine);
  if (located.kind === "found") return parseMapping(source, name, located.machine);
  if (located.kind === "invalid") return parsed;
  return { problems: [toProblem(source, `Unknown machine "${machine}".`)] };
}

function toProblem(source: string, message: string): Problem {
  const document = parseYamlDocument(source, MappingDocument);
  return document.problemAt(["machine"], "rule-machine", message);
}

/** Formats the problems of a document, each with its place. */
export function formatFaults({ file, problems }: DocumentReport): readonly string[] {
  return problems.map(
    ({ line, column, path, message }) => `${file}:${line}:${column} ${path === "" ? "" : `${path}: `}${message}`,
  );
}

type Parsed = ReturnType<typeof parseMapping>;

/** Parses each document of a folder. Files are relative to the project, for people. */
async function parseDocuments(folder: string, parse: (source: string, name: string) => Parsed | Promise<Parsed>) {
  const files = await listDocuments(folder);
  return Promise.all(
    files.map(async (each) => {
      const name = basename(each, extname(each));
      const { mapping, problems } = await parse(await readDocument(folder, each), name);
      return { file: toShown(folder, each), name, mapping, problems };
    }),
  );
}

async function listDocuments(folder: string): Promise<readonly string[]> {
  try {
    const names = await readdir(folder);
    return names.filter((name) => !name.startsWith(".") && [".yaml", ".yml"].includes(extname(name))).sort();
  } catch (cause) {
    throw new StackyardError("CONFIG_INVALID", `The folder of mapping documents "${folder}" cannot be read.`, {
      cause,
    });
  }
}

async function readDocument(folder: string, file: string): Promise<string> {
  try {
    return await readFile(join(folder, file), "utf8");
  } catch (cause) {
    const message = `The mapping document ${toShown(folder, file)} cannot be read.`;
    throw new StackyardError("CONFIG_INVALID", message, { cause });
  }
}

/** Returns the path relative to the project, for people. */
function toShown(folder: string, file: string): string {
  return `${basename(folder)}/${file}`;
}
