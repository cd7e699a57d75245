import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, type Dirent } from "node:fs";
import { copyFile, mkdir, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { type ExecutorContext, formatNames, mapLimited } from "@stackyard/core";
import { TerraformFailure } from "../run/failure.ts";

interface LocalSourceInput {
  /** Nothing outside of it is read. */
  readonly baseDir: string;
  /** A file, or a folder whose contents are copied; relative to `baseDir`. */
  readonly location: string;
  /** An empty folder. */
  readonly target: string;
  /**
   * Folders of the runner itself, absolute. They are not sources: skipped inside a source, and links to them are
   * rejected.
   */
  readonly leaveOut?: readonly string[];
}

/**
 * Copies a file or a folder's contents; links are followed inside the base folder and copied as what they lead to.
 * Returns what was left out, for people. Fails with TERRAFORM_SOURCE_MISSING, TERRAFORM_SOURCE_REFUSED.
 */
export async function copyLocalSource(input: LocalSourceInput): Promise<readonly string[]> {
  const { baseDir, location, target, leaveOut = [] } = input;
  const root = await realpath(baseDir);
  const wanted = resolve(root, location);
  // Checked before the file system, so that the error does not reveal what exists outside.
  if (!isInside(root, wanted)) throw toOutside(location);
  const source = await realpath(wanted).catch(() => undefined);
  if (source === undefined) {
    throw new TerraformFailure("TERRAFORM_SOURCE_MISSING", `There is no "${location}" in ${baseDir}.`);
  }
  if (!isInside(root, source)) throw toOutside(location);
  const own = await findOwn(root, leaveOut);
  if (isOwn(own, source)) throw toOwn(location);
  const copy: Copy = { root, own, budget: createSourceBudget(`"${location}"`), leftOut: [] };
  const found = await stat(source);
  if (found.isFile()) await copyOne(copy, { from: source, to: join(target, basename(wanted)), size: found.size });
  else await copyFolder(copy, source, target, [source]);
  return copy.leftOut.map((path) => relative(source, path));
}

interface Copy {
  readonly root: string;
  /** Real paths of the runner's own folders. */
  readonly own: readonly string[];
  readonly budget: (bytes: number) => void;
  /** Paths of what is not copied. */
  readonly leftOut: string[];
}

/** Copies a folder. `open`: the real paths of this folder and its parents, to detect links back to one of them. */
async function copyFolder(copy: Copy, from: string, to: string, open: readonly string[]): Promise<void> {
  await mkdir(to, { recursive: true });
  const entries = await readdir(from, { withFileTypes: true });
  for (const entry of entries.filter(({ name }) => !isOfTool(name))) {
    if (isState(entry.name) && !entry.isDirectory()) copy.leftOut.push(join(from, entry.name));
    else await copyEntry(copy, entry, join(to, entry.name), open);
  }
}

async function copyEntry(copy: Copy, entry: Dirent, to: string, open: readonly string[]): Promise<void> {
  const path = join(entry.parentPath, entry.name);
  if (isOwn(copy.own, path)) return;
  const from = entry.isSymbolicLink() ? await followLink(copy, path, open) : path;
  // A dangling link, as some editors create while a file is open.
  if (from === undefined) return void copy.leftOut.push(path);
  const found = await stat(from);
  if (found.isDirectory()) await copyFolder(copy, from, to, [...open, from]);
  else if (found.isFile()) await copyOne(copy, { from, to, size: found.size });
  else copy.leftOut.push(path);
}

async function followLink(copy: Copy, link: string, open: readonly string[]): Promise<string | undefined> {
  const target = await realpath(link).catch(() => undefined);
  if (target === undefined) return undefined;
  if (!isInside(copy.root, target)) throw toOutside(relative(copy.root, link));
  if (isOwn(copy.own, target)) throw toOwn(relative(copy.root, link));
  if (open.includes(target)) {
    const text = `The link "${relative(copy.root, link)}" leads to a folder that it is in itself.`;
    throw new TerraformFailure("TERRAFORM_SOURCE_REFUSED", text);
  }
  return target;
}

async function copyOne(copy: Copy, file: { from: string; to: string; size: number }): Promise<void> {
  copy.budget(file.size);
  await copyFile(file.from, file.to);
}

function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/**
 * Returns the folders inside the base folder. A parent, such as the system's folder for temporary files, excludes
 * nothing.
 */
async function findOwn(root: string, leaveOut: readonly string[]): Promise<readonly string[]> {
  const paths = await Promise.all(leaveOut.map((path) => realpath(path).catch(() => resolve(path))));
  return paths.filter((path) => path !== root && isInside(root, path));
}

function isOwn(own: readonly string[], path: string): boolean {
  return own.some((folder) => isInside(folder, path));
}

function toOwn(path: string): TerraformFailure {
  const text = `"${path}" leads into a folder of the runner itself, which may hold secrets. Take it out of the source.`;
  return new TerraformFailure("TERRAFORM_SOURCE_REFUSED", text);
}

function toOutside(path: string): TerraformFailure {
  const text = `"${path}" leads out of the folder that sources come from. Move the files into it, or set the option "sourcesDir".`;
  return new TerraformFailure("TERRAFORM_SOURCE_REFUSED", text);
}

/**
 * Reads a location; `//` ends the part that is copied, as in Terraform's addresses of modules. Returns the folder, and
 * the module in it, which is empty for the folder itself.
 */
export function parseSourcePath(location: string): { readonly folder: string; readonly module: string } {
  const [folder = "", ...module] = location.split(/\/{2,}/);
  const inner = module.filter((part) => part !== "").join("/");
  return inner === "" ? { folder: location, module: "" } : { folder: folder === "" ? "." : folder, module: inner };
}

/** Returns the folder of a module in a copied source. Fails with TERRAFORM_SOURCE_MISSING, TERRAFORM_SOURCE_REFUSED. */
export async function findModuleFolder(staged: string, module: string, place: string): Promise<string> {
  const path = resolve(staged, module);
  if (!isInside(staged, path)) {
    const text = `What follows "//" in "${place}" leads out of the folder before it.`;
    throw new TerraformFailure("TERRAFORM_SOURCE_REFUSED", text);
  }
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return path;
  throw new TerraformFailure("TERRAFORM_SOURCE_MISSING", `"${place}" has no folder "${module}" after "//".`);
}

/** An object of a bucket. */
export interface S3Object {
  readonly key: string;
  readonly size: number;
}

/** The port through which sources are read from S3. Anything thrown becomes TERRAFORM_SOURCE_UNREADABLE. */
export interface S3Source {
  /** Lists all objects with this key prefix, over all pages, in the order of their keys. */
  list(bucket: string, prefix: string): AsyncIterable<S3Object>;
  read(bucket: string, key: string): Promise<AsyncIterable<Uint8Array>>;
}

interface S3SourceInput {
  readonly bucket: string;
  readonly key: string;
  /** An empty folder. */
  readonly target: string;
  readonly signal: AbortSignal;
}

/** Objects that are read concurrently. */
const CONCURRENCY = 8;

interface SourceFile {
  readonly key: string;
  /** Relative to the target; checked. */
  readonly name: string;
  /** As it was listed. */
  readonly size: number;
}

/**
 * Stores the object `key` under its base name or, if it does not exist, everything under `key` + `/` with its folders.
 * Never copies siblings that only share the prefix, nor keys that end with `/` (folder marks). Returns what was left
 * out, for people. Fails with TERRAFORM_SOURCE_MISSING, TERRAFORM_SOURCE_REFUSED, TERRAFORM_SOURCE_UNREADABLE.
 */
export async function copyS3Source(s3: S3Source, input: S3SourceInput): Promise<readonly string[]> {
  try {
    const { files, leftOut } = await findFiles(s3, input);
    if (files.length === 0) {
      const text = `There is neither an object nor a folder ${toUrl(input)}.`;
      throw new TerraformFailure("TERRAFORM_SOURCE_MISSING", text);
    }
    await mapLimited(files, CONCURRENCY, (file) => readOne(s3, input, file));
    return leftOut;
  } catch (error) {
    throw toUnreadable(error, toUrl(input), input.signal);
  }
}

/** Returns why a source cannot be read. A failure of the source itself is that already. */
export function toUnreadable(error: unknown, source: string, signal: AbortSignal): TerraformFailure {
  if (error instanceof TerraformFailure) return error;
  if (signal.aborted) return new TerraformFailure("TERRAFORM_CANCELLED", "Stopped before it began.", { cause: error });
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const text = `${source} cannot be read: ${reason}`;
  return new TerraformFailure("TERRAFORM_SOURCE_UNREADABLE", text, { cause: error });
}

async function findFiles(s3: S3Source, { bucket, key }: S3SourceInput) {
  const files: SourceFile[] = [];
  const leftOut: string[] = [];
  const exact = key.endsWith("/") ? undefined : await findObject(s3, bucket, key);
  if (exact !== undefined) return { files: [{ ...exact, name: basename(key) }], leftOut };
  const folder = key.endsWith("/") ? key : `${key}/`;
  const budget = createSourceBudget(toUrl({ bucket, key }));
  for await (const object of s3.list(bucket, folder)) {
    const name = object.key.slice(folder.length);
    const parts = name.split("/");
    if (parts.some(isOfTool) || object.key.endsWith("/")) continue;
    if (isState(basename(name))) {
      leftOut.push(name);
      continue;
    }
    budget(object.size);
    files.push({ ...object, name: toFileName(object.key, parts) });
  }
  return { files, leftOut };
}

/**
 * Returns the object with exactly this key, which is listed first of all with this prefix (S3 API, ListObjectsV2: "in
 * UTF-8 binary order"). An empty one is not a configuration, but may be the mark of a folder.
 */
async function findObject(s3: S3Source, bucket: string, key: string): Promise<S3Object | undefined> {
  for await (const object of s3.list(bucket, key)) return object.key === key && object.size > 0 ? object : undefined;
  return undefined;
}

function toFileName(key: string, parts: readonly string[]): string {
  if (parts.every((part) => part !== "" && part !== "." && part !== "..")) return join(...parts);
  const text = `The object "${key}" has an empty part, "." or ".." in its name and cannot become a file.`;
  throw new TerraformFailure("TERRAFORM_SOURCE_REFUSED", text);
}

async function readOne(s3: S3Source, { bucket, target, signal }: S3SourceInput, file: SourceFile): Promise<void> {
  const path = join(target, file.name);
  await mkdir(dirname(path), { recursive: true });
  await pipeline(await s3.read(bucket, file.key), createWriteStream(path), { signal });
  const { size } = await stat(path);
  if (size === file.size) return;
  throw new Error(
    `${file.key} was listed with ${file.size} bytes, and ${size} were read. It is incomplete or has changed.`,
  );
}

function toUrl({ bucket, key }: Pick<S3SourceInput, "bucket" | "key">): string {
  return `s3://${bucket}/${key}`;
}

const MISSING_TEXT =
  'Sources of type "s3" need the package @aws-sdk/client-s3: install it next to @stackyard/executor-terraform.';

/**
 * Creates S3 access through the SDK's client for the task's target. Loads the SDK when the first source needs it, so a
 * project without S3 sources need not install it. Fails with TERRAFORM_SOURCE_UNSUPPORTED.
 */
export async function loadSdkS3Source(ctx: ExecutorContext): Promise<S3Source> {
  const sdk = await import("@aws-sdk/client-s3").catch((cause: unknown) => {
    throw new TerraformFailure("TERRAFORM_SOURCE_UNSUPPORTED", MISSING_TEXT, { cause });
  });
  const client = ctx.aws(sdk.S3Client);
  const abort = { abortSignal: ctx.signal };
  return {
    async *list(bucket, prefix) {
      const pages = sdk.paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix }, abort);
      for await (const { Contents = [], IsTruncated, NextContinuationToken } of pages) {
        yield* Contents.map(({ Key = "", Size = 0 }) => ({ key: Key, size: Size }));
        // The paginator would end here, as if this were the last page.
        if (IsTruncated === true && !NextContinuationToken) throw new Error("The list of objects ended early.");
      }
    },
    async read(bucket, key) {
      const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key }), abort);
      if (Body === undefined) throw new Error(`S3 returned no body for ${key}.`);
      return Body.transformToWebStream();
    },
  };
}

/** Returns the SHA-256, in hex, of the names and contents of all files under a folder, independent of their order on disk. */
export async function digestFolder(folder: string): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const digest = createHash("sha256");
  for (const path of paths.sort()) {
    const content = createHash("sha256");
    await pipeline(createReadStream(path), content);
    digest.update(`${relative(folder, path)}\0${content.digest("hex")}\n`);
  }
  return digest.digest("hex");
}

/** A source is a configuration, not an archive: more than this is a mistake in its path. */
const MAX_FILES = 10_000;
const MAX_BYTES = 512 * 1024 * 1024;

/** Returns true for the folders of Terraform and of the yard, whose contents belong to earlier runs. Never copied. */
export function isOfTool(name: string): boolean {
  return name === ".terraform" || name === ".stackyard";
}

/**
 * Returns true for the name of a state, its lock and its backups, as earlier runs leave them in a folder. Not copied, but
 * reported: a configuration may use a file of any name.
 */
export function isState(name: string): boolean {
  return /\.tfstate(?:\.lock\.info|\..*backup)?$/.test(name);
}

/** More names would hide the sentence. */
const MAX_NAMED = 20;

/** Reports the files that a source has, and its copy does not. */
export function reportLeftOut({ report }: Pick<ExecutorContext, "report">, paths: readonly string[]): void {
  if (paths.length === 0) return;
  report(`Not copied from the source, as states, broken links or special files: ${formatNames(paths, MAX_NAMED)}`);
}

/** Counts files and bytes; fails with TERRAFORM_SOURCE_REFUSED above the limit. */
export function createSourceBudget(source: string): (bytes: number) => void {
  let files = 0;
  let total = 0;
  return (bytes) => {
    files += 1;
    total += bytes;
    if (files <= MAX_FILES && total <= MAX_BYTES) return;
    const limits = `${MAX_FILES} files or ${MAX_BYTES / 1024 / 1024} MiB`;
    const text = `The source ${source} has more than ${limits}. Name the module's own folder.`;
    throw new TerraformFailure("TERRAFORM_SOURCE_REFUSED", text);
  };
}
