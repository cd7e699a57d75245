import { readFile } from "node:fs/promises";
import { basename, extname, resolve } from "node:path";
import { failWith } from "../shell/failure.ts";

/** A machine's document as it stands in its file, and the name that the file gives it. */
export interface MachineText {
  readonly name: string;
  readonly source: string;
}

const MODULES: ReadonlySet<string> = new Set([".ts", ".mts", ".js", ".mjs"]);

/** Reads the text of a YAML or JSON machine. Throws `CONFIG_INVALID` for programs and for what cannot be read. */
export async function readMachineText(file: string, cwd: string): Promise<MachineText> {
  const ending = extname(file);
  if (MODULES.has(ending)) {
    throw failWith("CONFIG_INVALID", `${file} is a program; only documents can be rewritten.`, {
      hint: 'Change it by hand: version: 2, revision: "follow", leaving: "abandon" in each state.',
    });
  }
  try {
    const bytes = await readFile(resolve(cwd, file));
    return { name: basename(file, ending), source: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    throw failWith("CONFIG_INVALID", `${file} cannot be read as UTF-8 text.`, {
      cause: error,
      hint: "Name a machine file that exists; paths start at the current folder.",
    });
  }
}
