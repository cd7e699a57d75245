import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, extname, join, relative, resolve, sep } from "node:path";
import { StackyardError } from "@stackyard/core";
import type { PublishFile } from "@stackyard/sdk/artifacts";
import { toCell } from "./report/to-cell.ts";

/** What a folder or a file gives to publish. */
export interface FoundFiles {
  readonly files: readonly PublishFile[];
  /** Hidden files that were left out. */
  readonly hidden: number;
}

/** How files are taken. */
export interface FindFilesOptions {
  readonly cwd: string;
  readonly hidden: boolean;
  /** Templates of CloudFormation are to be rewritten by consumers. */
  readonly rewriteTemplates: boolean;
}

/**
 * The files of a folder, each under its path in it, or one file under its name. What is hidden stays out unless it is asked for:
 * it is seldom meant for every account. Throws `CONFIG_INVALID` for what is not there, `USAGE` for symbolic links, pipes and the like,
 * names that are no text, and folders without files.
 */
export async function findPublishFiles(path: string, options: FindFilesOptions): Promise<FoundFiles> {
  const whole = resolve(options.cwd, path);
  const found = await stat(whole).catch((error: unknown) => {
    throw new StackyardError("CONFIG_INVALID", `"${toCell(path, 200)}" cannot be read: ${tell(error)}`, {
      cause: error,
    });
  });
  if (!found.isDirectory()) return { files: [toFile(whole, basename(whole), options)], hidden: 0 };
  const entries = await listEntries(whole);
  const shown = options.hidden ? entries : entries.filter(({ name }) => !isHidden(name));
  for (const entry of shown) refuseOdd(entry);
  if (shown.length === 0) throw noFiles(path, entries.length);
  const names = shown.map(({ name }) => name).toSorted();
  return {
    files: names.map((name) => toFile(join(whole, name), name, options)),
    hidden: entries.length - shown.length,
  };
}

function noFiles(path: string, hidden: number): StackyardError {
  const but = hidden === 0 ? "" : ` but hidden ones: ${hidden}. --hidden publishes them`;
  return new StackyardError("USAGE", `The folder "${toCell(path, 200)}" has no files to publish${but}.`);
}

interface Entry {
  /** Its path in the folder, with `/`. */
  readonly name: string;
  readonly dirent: Dirent;
}

/** All but folders. */
async function listEntries(folder: string): Promise<readonly Entry[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new StackyardError("CONFIG_INVALID", `A folder cannot be read: ${tell(error)}`, { cause: error });
  });
  return entries
    .filter((dirent) => !dirent.isDirectory())
    .map((dirent) => {
      const path = relative(folder, join(dirent.parentPath, dirent.name));
      return { name: path.split(sep).join("/"), dirent };
    });
}

/** What leads to what nobody wants to see in every account, cannot be read to an end, or could not be named. */
function refuseOdd({ name, dirent }: Entry): void {
  const said = toCell(name, 200);
  if (dirent.isSymbolicLink()) {
    throw new StackyardError("USAGE", `"${said}" is a symbolic link. Put the file itself there.`);
  }
  if (!dirent.isFile()) throw new StackyardError("USAGE", `"${said}" is no file, but a pipe, a socket or a device.`);
  // What is no UTF-8 was read with this in its place, and stands under another name.
  if (name.includes("\ufffd")) {
    throw new StackyardError("USAGE", `The name of "${said}" is no UTF-8 text. Give it another name.`);
  }
}

function isHidden(name: string): boolean {
  return name.split("/").some((segment) => segment.startsWith("."));
}

const TEMPLATES: ReadonlySet<string> = new Set([".yaml", ".yml", ".template", ".json"]);

function toFile(body: string, path: string, { rewriteTemplates }: FindFilesOptions): PublishFile {
  const type = CONTENT_TYPES[extname(path).toLowerCase()];
  const isTemplate = rewriteTemplates && TEMPLATES.has(extname(path).toLowerCase());
  return {
    path,
    body,
    contentType: type ?? "application/octet-stream",
    ...(isTemplate ? { rewrite: "template" as const } : {}),
  };
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".gz": "application/gzip",
  ".html": "text/html; charset=utf-8",
  ".jar": "application/java-archive",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".md": "text/markdown; charset=utf-8",
  ".tar": "application/x-tar",
  ".template": "text/plain; charset=utf-8",
  ".tgz": "application/gzip",
  ".txt": "text/plain; charset=utf-8",
  ".yaml": "application/yaml",
  ".yml": "application/yaml",
  ".zip": "application/zip",
};

function tell(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
