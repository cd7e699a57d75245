import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { StackyardError } from "@stackyard/core";
import { parseSums } from "./parse-sums.ts";
import { parseReleaseDocument, type ReleaseDocument } from "./release-document.ts";

/** A file of a release whose sum was checked. */
export interface ReleaseFile {
  readonly kind: "app" | "template";
  readonly name: string;
  readonly version: string;
  /** Hex. */
  readonly sha256: string;
  readonly body: Uint8Array;
}

/** A release in a folder, as `npm run package` makes it and as it is attached to a release. */
export interface Release {
  readonly version: string;
  readonly files: readonly ReleaseFile[];
}

/**
 * Reads a release and checks every file that it gives back against `SHA256SUMS`. Throws `NOT_FOUND` where there is no
 * release, `CONFIG_INVALID` with all files that are missing or differ.
 */
export async function loadRelease(folder: string): Promise<Release> {
  const sums = parseSums(await readText(folder, "SHA256SUMS"));
  const faults: string[] = [];
  const document = await readChecked(folder, "release.json", sums, faults);
  if (faults.length > 0) throw damaged(folder, faults);
  const release = parseReleaseDocument(document.toString());
  const files: ReleaseFile[] = [];
  for (const { kind, name, file } of listFiles(release)) {
    const body = await readChecked(folder, file, sums, faults);
    files.push({ kind, name, version: release.version, sha256: toSha256(body), body });
  }
  if (faults.length > 0) throw damaged(folder, faults);
  return { version: release.version, files };
}

function damaged(folder: string, faults: readonly string[]): StackyardError {
  const hint = "Build or download the release again; nothing was uploaded.";
  const message = `The release in ${folder} is damaged. ${faults.join(" ")}`;
  return new StackyardError("CONFIG_INVALID", message, { details: { hint } });
}

function listFiles({ apps, templates }: ReleaseDocument) {
  return [
    ...apps.map((each) => ({ ...each, kind: "app" as const })),
    ...templates.map((each) => ({ ...each, kind: "template" as const })),
  ];
}

async function readChecked(
  folder: string,
  name: string,
  sums: ReadonlyMap<string, string>,
  faults: string[],
): Promise<Buffer> {
  const expected = sums.get(name);
  // A name without a sum is not read: sums hold plain names only, so no path leads out of the folder.
  if (expected === undefined) {
    faults.push(`"${name}" has no line in SHA256SUMS.`);
    return Buffer.alloc(0);
  }
  const body = await readBytes(folder, name);
  if (body === undefined) faults.push(`"${name}" is missing.`);
  else if (toSha256(body) !== expected) faults.push(`"${name}" has another SHA-256 than SHA256SUMS says.`);
  return body ?? Buffer.alloc(0);
}

async function readText(folder: string, name: string): Promise<string> {
  const body = await readBytes(folder, name);
  if (body !== undefined) return body.toString();
  const hint =
    "Download the files of a release into a folder and name it with --from, or build one with `npm run package`.";
  throw new StackyardError("NOT_FOUND", `There is no release in ${folder}: it has no ${name}.`, { details: { hint } });
}

async function readBytes(folder: string, name: string): Promise<Buffer | undefined> {
  try {
    return await readFile(join(folder, name));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function toSha256(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex");
}
