import { execFile } from "node:child_process";
import { realpath, stat } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { promisify } from "node:util";
import { type Environment, findInPath, type ProgramUser } from "@stackyard/core/programs";
import { CommandFailure } from "./failure.ts";

/** Returns the folder of the project in which a program runs. Fails with COMMAND_NOT_FOUND, COMMAND_INVALID. */
export async function findFolder(projectDir: string, folder = "."): Promise<string> {
  const root = await realpath(projectDir);
  const found = await realpath(resolve(root, folder)).catch(() => undefined);
  const isInside = (path: string) => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
  // Checked first as it is written, so that the error does not reveal what exists outside.
  if (!isInside(resolve(root, folder)) || (found !== undefined && !isInside(found))) {
    throw new CommandFailure("COMMAND_INVALID", `The folder "${folder}" is not in the project.`);
  }
  if (found !== undefined && (await stat(found)).isDirectory()) return found;
  throw new CommandFailure("COMMAND_NOT_FOUND", `There is no folder "${folder}" in the project on this worker.`);
}

/** Returns the path of a program: with a slash from the folder, else in the PATH of the worker. Fails with COMMAND_NOT_FOUND. */
export async function findBinary(program: string, folder: string, environment: Environment): Promise<string> {
  const hasFolder = program.includes("/");
  const found = await findInPath(hasFolder ? resolve(folder, program) : program, environment["PATH"] ?? "");
  if (found !== undefined && program !== "") return found;
  const where = hasFolder ? `in ${folder}, or may not be run` : "in any folder of PATH";
  throw new CommandFailure("COMMAND_NOT_FOUND", `The program "${program}" is not ${where}. Install it on the worker.`);
}

const run = promisify(execFile);

/** Returns the numbers of a user and its group. Fails with COMMAND_NOT_FOUND. */
export async function findUser(name: string | undefined): Promise<ProgramUser | undefined> {
  if (name === undefined) return undefined;
  try {
    const [uid, gid] = await Promise.all(["-u", "-g"].map((option) => run("id", [option, name])));
    return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
  } catch (cause) {
    const text = `The user "${name}" of the yard's option allow does not exist on this worker.`;
    throw new CommandFailure("COMMAND_NOT_FOUND", text, { cause });
  }
}
