import { createHash, randomUUID } from "node:crypto";
import { lstat, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { extname, join } from "node:path";
import { StackyardError } from "../errors/stackyard-error.ts";
import type { Problem } from "../machine/document/problem-list.ts";
import type { ExecutorRegistry } from "../machine/executor-definition.ts";
import { parseMachine } from "../machine/parse-machine.ts";
import { isMachineFile, nameOfFile } from "./folder-locator.ts";

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

const TEXT: ReadonlySet<string> = new Set([".yml", ".yaml", ".json"]);

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
    await check();
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

function checkWritable(name: string, { isWritable, origin }: MachineSource): void {
  if (isWritable) return;
  throw new StackyardError("FORBIDDEN", `"${origin}" of the machine "${name}" is a link or a module. Edit it by hand.`);
}

function unknown(name: string): StackyardError {
  return new StackyardError("MACHINE_UNKNOWN", `No file of the machines folder has the machine "${name}".`);
}

function changed(name: string, now: MachineSource | undefined): StackyardError {
  const details = now === undefined ? {} : { hash: now.hash, source: now.source };
  return new StackyardError("RECORD_CONFLICT", `The file of "${name}" has changed meanwhile. Nothing was written.`, {
    details,
  });
}
