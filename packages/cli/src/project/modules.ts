import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire, registerHooks } from "node:module";
import { dirname, extname, isAbsolute, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin } from "@stackyard/core";

/** True for what `definePlugin` gives, of any copy of the core package. */
export function isPlugin(value: unknown): value is Plugin {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "stackyard-plugin";
}

/** Loads a module as the project sees it: a package by name, or a file by a path that begins with `./` or `/`. */
export async function importFromProject(use: string, projectDir: string): Promise<Readonly<Record<string, unknown>>> {
  const module: unknown = await import(/* @vite-ignore */ toSpecifier(use, projectDir));
  return module as Readonly<Record<string, unknown>>;
}

/** Why `importFromProject` failed, and what to do; the end of a sentence. */
export async function formatImportError(error: unknown, use: string, projectDir: string): Promise<string> {
  const missing = error instanceof Error && "code" in error && /MODULE_NOT_FOUND$/.test(String(error.code));
  if (isPath(use)) {
    const path = resolve(projectDir, use);
    if (missing && !existsSync(path)) return `file ${path} not found.`;
    return [await formatLoadError(error, path), findTypeAdvice(path)].filter((part) => part !== undefined).join(" ");
  }
  if (!missing || !toErrorMessage(error).includes(`'${use}'`)) return toErrorMessage(error);
  if (existsSync(join(projectDir, use))) return `package not found. A path begins with "./": "./${use}".`;
  return `the package is not installed. \`npm install ${use}\` does it; a path begins with "./".`;
}

function toErrorMessage(error: unknown): string {
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

/**
 * Loads an optional package of Stackyard: the project's own, else one that was installed globally with this package.
 * Throws the error of the lookup in the project.
 */
export async function importOwn(use: string, projectDir: string): Promise<Readonly<Record<string, unknown>>> {
  offerOwnPackages();
  try {
    return await importFromProject(use, projectDir);
  } catch (error) {
    const beside = await importBeside(use);
    if (beside === undefined) throw error;
    return beside;
  }
}

async function importBeside(use: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const module: unknown = await import(/* @vite-ignore */ use);
    return module as Readonly<Record<string, unknown>>;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

const OWN = /^(stackyard|@stackyard\/[a-z0-9-]+)(\/|$)/;

let registered = false;

/**
 * Lets what a project loads find this package and those that come with it, where the project has not installed them: a
 * fresh project works before `npm install`, and with a command line that was installed for the whole machine. What the
 * project has installed itself comes first.
 */
export function offerOwnPackages(): void {
  if (registered) return;
  registered = true;
  registerHooks({
    resolve(specifier, context, next) {
      if (!OWN.test(specifier)) return next(specifier, context);
      try {
        return next(specifier, context);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        return next(specifier, { ...context, parentURL: import.meta.url });
      }
    },
  });
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
}

/** Why a module could not be loaded; of a syntax error with its file and line. */
export async function formatLoadError(error: unknown, path: string): Promise<string> {
  if (!(error instanceof Error)) return String(error);
  if (error.name !== "SyntaxError") return error.message;
  const place = findPlace(error.stack ?? "") ?? findPlace(await check(path));
  return place === undefined
    ? `${error.message} (a syntax error in what ${path} imports)`
    : `SyntaxError at ${place}: ${error.message}`;
}

// Node begins with the place, in the stack for TypeScript, and for JavaScript only where it prints the error itself.
function findPlace(text: string): string | undefined {
  return /^(?:file:\/\/)?(\/.*:\d+)$/m.exec(text.slice(0, text.indexOf("\n")))?.[1];
}

/** What Node says of a file without running it; nothing of a file that is sound. */
function check(path: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--check", path], (_error, _stdout, stderr) => resolve(stderr));
  });
}

/** What to do about a module that Node reads as CommonJS because of its package; undefined: that is not the reason. */
export function findTypeAdvice(path: string): string | undefined {
  if (![".ts", ".js"].includes(extname(path))) return undefined;
  const manifest = findManifest(dirname(path));
  if (manifest === undefined || readPackageType(manifest) !== "commonjs") return undefined;
  return `${manifest} says "type": "commonjs". Set it to "module", or let the file's name end with .m${extname(path).slice(1)}.`;
}

/** The `type` of a package.json; undefined where it has none or cannot be read. */
export function readPackageType(manifest: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(manifest, "utf8"));
    if (typeof parsed !== "object" || parsed === null || !("type" in parsed)) return undefined;
    return typeof parsed.type === "string" ? parsed.type : undefined;
  } catch {
    return undefined;
  }
}

function findManifest(folder: string): string | undefined {
  const path = join(folder, "package.json");
  if (existsSync(path)) return path;
  return folder === dirname(folder) ? undefined : findManifest(dirname(folder));
}
