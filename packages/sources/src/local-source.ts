import type { Dirent } from "node:fs";
import { copyFile, mkdir, readdir, realpath, stat } from "node:fs/promises";
import { basename, join, relative, resolve, sep } from "node:path";
import { SourceFailure } from "./source-failure.ts";
import { type Budget, type Choice, createBudget } from "./source-parts.ts";

interface LocalSourceInput {
  /** Nothing outside of it is read. */
  readonly baseDir: string;
  /** A file, or a folder whose contents are copied; relative to `baseDir`. */
  readonly location: string;
  /** An empty folder. */
  readonly target: string;
  /** Folders of the worker itself, absolute. They are not sources: skipped inside a source, and links to them are refused. */
  readonly ownDirs?: readonly string[] | undefined;
  readonly choice: Choice;
}

/**
 * Copies a file or a folder's contents with their modes; links are followed inside the base folder and copied as what they
 * lead to. Returns what was left out, for people. Fails as missing, outside or refused.
 */
export async function copyLocalSource(input: LocalSourceInput): Promise<readonly string[]> {
  const { baseDir, location, target, ownDirs = [], choice } = input;
  const root = await realpath(baseDir);
  const wanted = resolve(root, location);
  // Checked before the file system, so that the error does not reveal what exists outside.
  if (!isInside(root, wanted)) throw toOutside(location);
  const source = await realpath(wanted).catch(() => undefined);
  if (source === undefined) throw new SourceFailure("missing", `There is no "${location}" in ${baseDir}.`);
  if (!isInside(root, source)) throw toOutside(location);
  const own = await findOwn(root, ownDirs);
  if (isOwn(own, source)) throw toOwn(location);
  const copy: Copy = { root, own, choice, budget: createBudget(`"${location}"`), leftOut: [] };
  const found = await stat(source);
  if (found.isFile()) await copyOne(copy, { from: source, to: join(target, basename(wanted)), size: found.size });
  else await copyFolder(copy, source, target, [source]);
  return copy.leftOut.map((path) => relative(source, path));
}

interface Copy {
  readonly root: string;
  /** Real paths of the worker's own folders. */
  readonly own: readonly string[];
  readonly choice: Choice;
  readonly budget: Budget;
  /** Paths of what is not copied. */
  readonly leftOut: string[];
}

/** Copies a folder. `open`: the real paths of this folder and its parents, to detect links back to one of them. */
async function copyFolder(copy: Copy, from: string, to: string, open: readonly string[]): Promise<void> {
  await mkdir(to, { recursive: true });
  const entries = await readdir(from, { withFileTypes: true });
  for (const entry of entries.filter(({ name }) => !copy.choice.isSkipped(name))) {
    if (copy.choice.isReported(entry.name) && !entry.isDirectory()) copy.leftOut.push(join(from, entry.name));
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
    throw new SourceFailure("refused", text);
  }
  return target;
}

async function copyOne(copy: Copy, file: { from: string; to: string; size: number }): Promise<void> {
  copy.budget(file.size);
  await copyFile(file.from, file.to);
}

/** Returns true for a folder itself and what is in it. */
export function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/**
 * Returns the folders inside the base folder. A parent, such as the system's folder for temporary files, excludes
 * nothing.
 */
async function findOwn(root: string, ownDirs: readonly string[]): Promise<readonly string[]> {
  const paths = await Promise.all(ownDirs.map((path) => realpath(path).catch(() => resolve(path))));
  return paths.filter((path) => path !== root && isInside(root, path));
}

function isOwn(own: readonly string[], path: string): boolean {
  return own.some((folder) => isInside(folder, path));
}

function toOwn(path: string): SourceFailure {
  const text = `"${path}" leads into a folder of the runner itself, which may hold secrets. Take it out of the source.`;
  return new SourceFailure("refused", text);
}

function toOutside(path: string): SourceFailure {
  const text = `"${path}" leads out of the folder that sources come from. Move the files into it.`;
  return new SourceFailure("outside", text);
}
