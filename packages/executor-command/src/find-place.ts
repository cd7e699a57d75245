import { execFileSync } from "node:child_process";
import { realpathSync, statSync } from "node:fs";
import { resolve, sep } from "node:path";
import type { ExecutorContext } from "@stackyard/core";
import { type Environment, findInPath, type ProgramUser } from "@stackyard/core/programs";
import { copySource } from "@stackyard/sources";
import type { CommandConfig } from "./definition.ts";
import { CommandFailure, toCommandFailure } from "./failure.ts";
import { giveTo, type RunFiles } from "./run-files.ts";

interface FolderInput {
  readonly folder: CommandConfig["folder"];
  readonly projectDir: string;
  /** The worker's own folder, which is never copied. */
  readonly dataDir: string | undefined;
  readonly files: RunFiles;
  readonly user: ProgramUser | undefined;
}

/**
 * Returns the folder in which a program runs: one of the project, or a copy of a source among the files of the run. Fails
 * with COMMAND_NOT_FOUND, COMMAND_INVALID, COMMAND_SOURCE_* codes.
 */
export async function openFolder(ctx: ExecutorContext, input: FolderInput): Promise<string> {
  const { folder = ".", projectDir, dataDir, files, user } = input;
  if (typeof folder === "string") return findFolder(projectDir, folder);
  const ownDirs = dataDir === undefined ? [] : [dataDir];
  try {
    const copied = await copySource(ctx, folder, { baseDir: projectDir, ownDirs, target: files.source });
    if (user !== undefined) await giveTo(user, files.source);
    return copied;
  } catch (error) {
    throw toCommandFailure(error);
  }
}

function findFolder(projectDir: string, folder: string): string {
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
  const where = isPath
    ? `in ${folder}, or may not be run. Name what runs it, such as sh, for a file of a bucket: those have no modes.`
    : "in any folder of PATH. Install it on the worker.";
  throw new CommandFailure("COMMAND_NOT_FOUND", `The program "${program}" is not ${where}`);
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
