import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseJsonOr, StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

/** A file of a release with a verified checksum. */
export interface ReleaseFile {
  readonly kind: "app" | "template";
  readonly name: string;
  readonly version: string;
  /** Hex. */
  readonly sha256: string;
  readonly body: Uint8Array;
}

/** A release in a folder: the output of `npm run package`, and the files of a GitHub release. */
export interface Release {
  readonly version: string;
  readonly files: readonly ReleaseFile[];
}

/**
 * Loads a release and verifies every returned file against `SHA256SUMS`. Throws `NOT_FOUND` when there is no release,
 * `CONFIG_INVALID` with all files that are missing or differ.
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
  // A name without a sum is not read: sums contain only plain names, so no path leads out of the folder.
  if (expected === undefined) {
    faults.push(`"${name}" has no line in SHA256SUMS.`);
    return Buffer.alloc(0);
  }
  const body = await readBytes(folder, name);
  if (body === undefined) faults.push(`"${name}" is missing.`);
  else if (toSha256(body) !== expected) faults.push(`"${name}" does not match its SHA-256 in SHA256SUMS.`);
  return body ?? Buffer.alloc(0);
}

async function readText(folder: string, name: string): Promise<string> {
  const body = await readBytes(folder, name);
  if (body !== undefined) return body.toString();
  const hint =
    "Download the files of a release into a folder and name it with --from, or build one with `npm run package`.";
  throw new StackyardError("NOT_FOUND", `No release found in ${folder}: ${name} is missing.`, { details: { hint } });
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

const Name = Type.String({ pattern: "^[a-z][a-z0-9-]{0,62}$" });

/** `release.json`: the content of a release's folder, and the names to publish it under. */
const ReleaseDocument = Type.Object(
  {
    version: Type.String({ pattern: "^[0-9][0-9A-Za-z.-]{0,63}$" }),
    commit: Type.Optional(Type.String({ pattern: "^[0-9a-f]{7,64}$" })),
    apps: Type.Array(Type.Object({ name: Name, file: Type.String({ maxLength: 200 }) }), { maxItems: 50 }),
    templates: Type.Array(Type.Object({ name: Name, file: Type.String({ maxLength: 200 }) }), { maxItems: 50 }),
  },
  { additionalProperties: false },
);
type ReleaseDocument = Static<typeof ReleaseDocument>;

const document = Compile(ReleaseDocument);

/** Parses the text of a `release.json`. Throws `CONFIG_INVALID` with the faults and their places. */
export function parseReleaseDocument(text: string): ReleaseDocument {
  const value = parseJsonOr(
    text,
    (cause) => new StackyardError("CONFIG_INVALID", "release.json is not JSON.", { cause }),
  );
  if (document.Check(value)) return value;
  const faults = document.Errors(value).map(({ instancePath, message }) => `${instancePath || "/"} ${message}`);
  throw new StackyardError("CONFIG_INVALID", `release.json is invalid: ${faults.join("; ")}.`);
}

const LINE = /^([0-9a-f]{64}) [ *]([A-Za-z0-9][A-Za-z0-9._-]{0,200})$/;

/**
 * Parses the SHA-256 sums of files by name, from a `SHA256SUMS` as `sha256sum` writes it. Names are plain: a path that
 * leads out of the folder is rejected. Throws `CONFIG_INVALID` with the line number.
 */
export function parseSums(text: string): ReadonlyMap<string, string> {
  const sums = new Map<string, string>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line === "") continue;
    const [, sum, name] = LINE.exec(line) ?? [];
    if (sum === undefined || name === undefined) {
      const message = `Line ${index + 1} of SHA256SUMS is not a SHA-256 sum and a plain file name.`;
      throw new StackyardError("CONFIG_INVALID", message);
    }
    sums.set(name, sum);
  }
  return sums;
}
