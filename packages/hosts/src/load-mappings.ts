import { readdir, readFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { StackyardError } from "@stackyard/core";
import { type Mapping, parseMapping } from "./mapping.ts";

/** Reads the mapping documents of a folder, in the order of their names. Throws `CONFIG_INVALID` with all faults. */
export async function loadMappings(folder: string): Promise<readonly Mapping[]> {
  const names = await listDocuments(folder);
  const parsed = await Promise.all(
    names.map(async (file) => {
      const { mapping, problems } = parseMapping(await readDocument(folder, file), toName(file));
      const faults = problems.map(
        ({ line, column, path, message }) =>
          `${toShown(folder, file)}:${line}:${column} ${path === "" ? "" : `${path}: `}${message}`,
      );
      return { mapping, faults };
    }),
  );
  const faults = parsed.flatMap((each) => each.faults);
  const twice = names.find((file) => names.some((other) => other !== file && toName(other) === toName(file)));
  if (twice !== undefined) faults.push(`${toShown(folder, twice)}: another document has the same name.`);
  if (faults.length === 0) return parsed.flatMap(({ mapping }) => (mapping === undefined ? [] : [mapping]));
  throw new StackyardError(
    "CONFIG_INVALID",
    `Deliveries wait until mapping documents are corrected: ${faults.join(" ")}`,
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

function toName(file: string): string {
  return basename(file, extname(file));
}
