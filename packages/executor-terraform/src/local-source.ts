import type { Dirent } from "node:fs";
import { copyFile, mkdir, readdir, realpath, stat } from "node:fs/promises";
import { basename, join, relative, resolve, sep } from "node:path";
import { TerraformFailure } from "./failure.ts";
import { createSourceBudget, isLeftOut } from "./source-rules.ts";

export interface LocalSourceInput {
  /** Nothing outside of it is ever read. */
  readonly baseDir: string;
  /** A file, or a folder whose contents are copied; relative to `baseDir`. */
  readonly location: string;
  /** An empty folder. */
  readonly target: string;
  /** Folders of the runner itself, absolute. They are not sources: skipped where they lie in one, refused by any link. */
  readonly leaveOut?: readonly string[];
}

/**
 * Copies a file or a folder's contents; links are followed inside the base folder and copied as what they lead to.
 * Fails with TERRAFORM_SOURCE_MISSING, TERRAFORM_SOURCE_REFUSED.
 */
export async function copyLocalSource({ baseDir, location, target, leaveOut = [] }: LocalSourceInput): Promise<void> {
  const root = await realpath(baseDir);
  const wanted = resolve(root, location);
  // Asked before the file system is: whether something exists outside is nobody's business.
  if (!isInside(root, wanted)) throw toOutside(location);
  const source = await realpath(wanted).catch(() => undefined);
  if (source === undefined) {
    throw new TerraformFailure("TERRAFORM_SOURCE_MISSING", `There is no "${location}" in ${baseDir}.`);
  }
  if (!isInside(root, source)) throw toOutside(location);
  const own = await findOwn(root, leaveOut);
  if (isOwn(own, source)) throw toOwn(location);
  const copy: Copy = { root, own, budget: createSourceBudget(`"${location}"`) };
  const { isFile, size } = await statOf(source);
  if (isFile) await copyOne(copy, { from: source, to: join(target, basename(wanted)), size });
  else await copyFolder(copy, source, target, [source]);
}

interface Copy {
  readonly root: string;
  /** Real paths of the runner's own folders. */
  readonly own: readonly string[];
  readonly budget: (bytes: number) => void;
}

/** `open`: the real paths of this folder and of those around it, so that a link back to one of them is seen. */
async function copyFolder(copy: Copy, from: string, to: string, open: readonly string[]): Promise<void> {
  await mkdir(to, { recursive: true });
  const entries = await readdir(from, { withFileTypes: true });
  for (const entry of entries.filter(({ name }) => !isLeftOut(name))) {
    await copyEntry(copy, entry, join(to, entry.name), open);
  }
}

async function copyEntry(copy: Copy, entry: Dirent, to: string, open: readonly string[]): Promise<void> {
  const path = join(entry.parentPath, entry.name);
  if (isOwn(copy.own, path)) return;
  const from = entry.isSymbolicLink() ? await followLink(copy, path, open) : path;
  // A link to nothing, as some editors leave them while a file is open.
  if (from === undefined) return;
  const { isFile, isFolder, size } = await statOf(from);
  if (isFolder) await copyFolder(copy, from, to, [...open, from]);
  else if (isFile) await copyOne(copy, { from, to, size });
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

async function statOf(path: string): Promise<{ isFile: boolean; isFolder: boolean; size: number }> {
  const found = await stat(path);
  return { isFile: found.isFile(), isFolder: found.isDirectory(), size: found.size };
}

function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** Those inside the base folder. One around it, such as the system's folder for temporary files, hides nothing of it. */
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
