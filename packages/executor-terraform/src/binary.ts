import { execFile } from "node:child_process";
import { access, constants, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { promisify } from "node:util";
import type { Environment } from "./environment.ts";
import { TerraformFailure } from "./failure.ts";
import { isJsonObject, parseJson, textAt } from "./json-object.ts";
import { allowsVersion } from "./version-constraint.ts";

const run = promisify(execFile);
const VERSION_TIMEOUT_MS = 30_000;

export interface BinaryInput {
  /** A name that is looked up in `path`, or a path. */
  readonly binary: string;
  /** The runner's own; PATH and HOME of it are used. */
  readonly environment: Environment;
  /** The versions that may be used; without it none is asked for. */
  readonly version?: string;
}

/** The program's absolute path, its version checked. Fails with TERRAFORM_NOT_FOUND, TERRAFORM_VERSION_MISMATCH. */
export async function findBinary({ binary, environment, version }: BinaryInput): Promise<string> {
  const found = await findExecutable(toCandidates(binary, environment["PATH"] ?? ""));
  if (found === undefined) throw new TerraformFailure("TERRAFORM_NOT_FOUND", toMissingText(binary));
  if (version !== undefined) await checkVersion(found, version, environment);
  return found;
}

function toMissingText(binary: string): string {
  const where = isAbsolute(binary) ? "" : " in any folder of PATH";
  return `The program "${binary}" is not found${where}. Install it on the runner, or set the option "binary".`;
}

function toCandidates(binary: string, path: string): string[] {
  if (isAbsolute(binary)) return [binary];
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, binary));
}

async function findExecutable(candidates: readonly string[]): Promise<string | undefined> {
  for (const candidate of candidates) {
    const usable = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable && (await stat(candidate)).isFile()) return candidate;
  }
  return undefined;
}

/** Versions by path and file: asking costs a process, and the answer changes only with the file. */
const versions = new Map<string, Promise<string>>();

async function checkVersion(binary: string, constraint: string, environment: Environment): Promise<void> {
  const { size, mtimeMs } = await stat(binary);
  const key = `${binary}\0${size}\0${mtimeMs}`;
  const asked = versions.get(key) ?? loadVersion(binary, environment);
  versions.set(key, asked);
  asked.catch(() => versions.delete(key));
  const version = await asked;
  if (version === "") versions.delete(key);
  if (allowsVersion(constraint, version)) return;
  throw new TerraformFailure("TERRAFORM_VERSION_MISMATCH", toMismatchText(binary, constraint, version));
}

function toMismatchText(binary: string, constraint: string, version: string): string {
  const is = version === "" ? "does not tell its version" : `is version ${version}`;
  return `"${binary}" ${is}; the option "version" allows ${constraint}. Install a fitting one, or change the option.`;
}

/** The system has run out of something: this says nothing about the program. */
const EXHAUSTED: ReadonlySet<unknown> = new Set(["EMFILE", "ENFILE", "EAGAIN", "ENOMEM"]);

/** OpenTofu answers under the same name. Empty when the program does not answer as either. */
async function loadVersion(binary: string, { PATH, HOME }: Environment): Promise<string> {
  const options = { env: { CHECKPOINT_DISABLE: "1", PATH, HOME }, timeout: VERSION_TIMEOUT_MS };
  const { stdout } = await run(binary, ["version", "-json"], options).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && EXHAUSTED.has(error.code)) throw error;
    return { stdout: "" };
  });
  const answer = parseJson(stdout);
  return isJsonObject(answer) ? textAt(answer, "terraform_version") : "";
}
