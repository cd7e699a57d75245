import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { isAbsolute, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { findTypeAdvice } from "./package-type.ts";
import { tellLoadError } from "./tell-load-error.ts";

/** Loads a module as the project sees it: a package by name, or a file by a path that begins with `./` or `/`. */
export async function importFromProject(use: string, projectDir: string): Promise<Readonly<Record<string, unknown>>> {
  const module: unknown = await import(/* @vite-ignore */ toSpecifier(use, projectDir));
  return module as Readonly<Record<string, unknown>>;
}

/** Why `importFromProject` failed, and what to do; the end of a sentence. */
export async function tellImportError(error: unknown, use: string, projectDir: string): Promise<string> {
  const missing = error instanceof Error && "code" in error && /MODULE_NOT_FOUND$/.test(String(error.code));
  if (isPath(use)) {
    const path = resolve(projectDir, use);
    if (missing && !existsSync(path)) return `there is no file ${path}.`;
    return [await tellLoadError(error, path), findTypeAdvice(path)].filter((part) => part !== undefined).join(" ");
  }
  if (!missing || !tellError(error).includes(`'${use}'`)) return tellError(error);
  if (existsSync(join(projectDir, use))) return `there is no such package. A path begins with "./": "./${use}".`;
  return `the package is not installed. \`npm install ${use}\` does it; a path begins with "./".`;
}

function tellError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function toSpecifier(use: string, projectDir: string): string {
  if (isPath(use)) return pathToFileURL(resolve(projectDir, use)).href;
  // As the project sees the package, not as this one does.
  return pathToFileURL(createRequire(join(projectDir, "stackyard.config.js")).resolve(use)).href;
}

function isPath(use: string): boolean {
  return use.startsWith(".") || isAbsolute(use);
}
