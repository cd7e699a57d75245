import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UNKNOWN } from "./values.ts";

type Known<Value> = Value | typeof UNKNOWN;

/** A file as the protocol sees it: before the apply, values may be unknown. */
export interface FileResource {
  readonly name: Known<string>;
  readonly content: Known<string>;
  readonly arn: Known<string | null>;
  readonly sha256: Known<string | null>;
}

interface PlannedFile extends FileResource {
  readonly name: string;
  readonly content: string;
}

interface FilePlan {
  /** Null: the file is to be removed. */
  readonly planned: FileResource | null;
  readonly replaces: boolean;
}

/** Returns what an apply is going to make of a file. */
export function planFile(prior: FileResource | null, proposed: FileResource | null): FilePlan {
  if (proposed === null) return { planned: null, replaces: false };
  const replaces = prior !== null && prior.name !== proposed.name;
  const isSame = prior !== null && !replaces && prior.content === proposed.content;
  const arn = typeof proposed.name === "string" ? toArn(proposed.name) : UNKNOWN;
  return { planned: isSame ? prior : { ...proposed, arn, sha256: UNKNOWN }, replaces };
}

/** Returns true if the attributes that a configuration sets are known. */
export function isPlanned(file: FileResource): file is PlannedFile {
  return typeof file.name === "string" && typeof file.content === "string";
}

/** Returns the file as it is now; null when it does not exist. */
export function readFile(folder: string, file: FileResource): FileResource | null {
  const path = toPath(folder, file.name);
  if (!existsSync(path)) return null;
  return toFile(String(file.name), readFileSync(path, "utf8"));
}

/** Makes the file what was planned. */
export function writeFile(
  folder: string,
  prior: FileResource | null,
  planned: PlannedFile | null,
): FileResource | null {
  if (planned === null) {
    rmSync(toPath(folder, prior?.name), { force: true });
    return null;
  }
  writeFileSync(toPath(folder, planned.name), planned.content);
  return toFile(planned.name, planned.content);
}

function toFile(name: string, content: string): FileResource {
  return { name, content, arn: toArn(name), sha256: createHash("sha256").update(content).digest("hex") };
}

function toArn(name: string): string {
  return `arn:aws:files:::${name}`;
}

/** Returns the path of a file, which must be in the folder itself. */
function toPath(folder: string, name: unknown): string {
  if (typeof name !== "string" || !/^[\w-][\w.-]*$/.test(name)) throw new Error(`Invalid name ${String(name)}.`);
  return join(folder, name);
}
