import { execFileSync } from "node:child_process";
import { realpathSync, statSync } from "node:fs";
import { resolve, sep } from "node:path";
import { type Environment, findInPath, type ProgramUser } from "@stackyard/core/programs";
import { CommandFailure } from "./failure.ts";

/** Returns the folder of the project in which a program runs. Fails with COMMAND_NOT_FOUND, COMMAND_INVALID. */
export function findFolder(projectDir: string, folder = "."): string {
  const root = realpathSync(projectDir);
  const isInside = (path: string) => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
  // Checked first as it is written, so that the error does not reveal what exists outside.
  const wanted = resolve(root, folder);
  const isFolder = isInside(wanted) && statSync(wanted, { throwIfNoEntry: false })?.isDirectory() === true;
  if (!isInside(wanted) || (isFolder && !isInside(realpathSync(wanted)))) {
    throw new CommandFailure("COMMAND_INVALID", `The folder "${folder}" is not in the project.`);
  }
  if (isFolder) return realpathSync(wanted);
  throw new CommandFailure("COMMAND_NOT_FOUND", `There is no folder "${folder}" in the project on this worker.`);
}

/** Returns the path of a program: with a slash from the folder, else in the PATH of the worker. Fails with COMMAND_NOT_FOUND. */
export async function findBinary(program: string, folder: string, environment: Environment): Promise<string> {
  const isPath = program.includes("/");
  const found = await findInPath(isPath ? resolve(folder, program) : program, environment["PATH"] ?? "");
  if (found !== undefined && program !== "") return found;
  const where = isPath ? `in ${folder}, or may not be run` : "in any folder of PATH";
  throw new CommandFailure("COMMAND_NOT_FOUND", `The program "${program}" is not ${where}. Install it on the worker.`);
}

/** Returns the numbers of a user and its group. Fails with COMMAND_NOT_FOUND. */
export function findUser(name: string | undefined): ProgramUser | undefined {
  if (name === undefined) return undefined;
  try {
    const [uid, gid] = ["-u", "-g"].map((option) => Number(execFileSync("id", [option, name], { stdio: "pipe" })));
    return uid === undefined || gid === undefined ? undefined : { uid, gid };
  } catch (cause) {
    const text = `The user "${name}" of the yard's option allow does not exist on this worker.`;
    throw new CommandFailure("COMMAND_NOT_FOUND", text, { cause });
  }
}
