import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire, registerHooks } from "node:module";
import { dirname, extname, isAbsolute, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isMap, type Plugin, parseJson } from "@stackyard/core";
import { OWN_FOLDER } from "../own-folder.ts";
import { formatInstall, isContained, isOwnPackage } from "../own-packages.ts";

/** Returns true for a value that `definePlugin` returned, in any copy of the core package. */
export function isPlugin(value: unknown): value is Plugin {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "stackyard-plugin";
}

/** Loads a module as the project resolves it: a package by name, or a file by a path that begins with `./` or `/`. */
export async function importFromProject(use: string, projectDir: string): Promise<Readonly<Record<string, unknown>>> {
  const module: unknown = await import(/* @vite-ignore */ toSpecifier(use, projectDir));
  return module as Readonly<Record<string, unknown>>;
}

/** Formats why `importFromProject` failed and what to do, as the end of a sentence. */
export async function formatImportError(error: unknown, use: string, projectDir: string): Promise<string> {
  const missing = error instanceof Error && "code" in error && /MODULE_NOT_FOUND$/.test(String(error.code));
  if (isPath(use)) {
    const path = resolve(projectDir, use);
    if (missing && !existsSync(path)) return `file ${path} not found.`;
    return [await formatLoadError(error, path), findTypeAdvice(path)].filter((part) => part !== undefined).join(" ");
  }
  if (!missing || !toErrorMessage(error).includes(`'${use}'`)) return toErrorMessage(error);
  if (existsSync(join(projectDir, use)))
    return `package not found. To load a local file, start its path with "./": "./${use}".`;
  const install = isOwnPackage(use) ? formatInstall([use]) : `npm install ${use}`;
  return `the package is not installed. Install it with \`${install}\`. To load a local file, start its path with "./".`;
}

function toErrorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function toSpecifier(use: string, projectDir: string): string {
  if (isPath(use)) return pathToFileURL(resolve(projectDir, use)).href;
  // Resolves the package from the project, not from this package; one of ours that came in one file with this one, from that.
  try {
    return pathToFileURL(createRequire(join(projectDir, "stackyard.config.js")).resolve(use)).href;
  } catch (error) {
    if (!isContained(use)) throw error;
    return pathToFileURL(createRequire(new URL("package.json", OWN_FOLDER)).resolve(use)).href;
  }
}

function isPath(use: string): boolean {
  return use.startsWith(".") || isAbsolute(use);
}

/**
 * Loads an optional package of Stackyard: from the project, else one that was installed globally with this package.
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
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

const OWN = /^(stackyard|@stackyard\/[a-z0-9-]+)(\/|$)/;

let registered = false;

/**
 * Lets a project's modules resolve this package and its dependencies if the project has not installed them: a new
 * project works before `npm install`, and with a globally installed command line. The project's own packages take
 * precedence.
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

/** Formats why a module could not be loaded; a syntax error with its file and line. */
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

/** Returns Node's syntax errors for a file without running it; an empty text for a valid file. */
function check(path: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--check", path], { env: {} }, (_error, _stdout, stderr) => resolve(stderr));
  });
}

/** Returns a hint for a module that Node reads as CommonJS because of its package; undefined otherwise. */
export function findTypeAdvice(path: string): string | undefined {
  if (![".ts", ".js"].includes(extname(path))) return undefined;
  const manifest = findManifest(dirname(path));
  if (manifest === undefined || readPackageType(manifest) !== "commonjs") return undefined;
  return `${manifest} says "type": "commonjs". Set it to "module", or let the file's name end with .m${extname(path).slice(1)}.`;
}

/** Returns the `type` of a package.json; undefined if it is missing or the file cannot be read. */
export function readPackageType(manifest: string): string | undefined {
  try {
    const parsed = parseJson(readFileSync(manifest, "utf8"));
    return isMap(parsed) && typeof parsed["type"] === "string" ? parsed["type"] : undefined;
  } catch {
    return undefined;
  }
}

function findManifest(folder: string): string | undefined {
  const path = join(folder, "package.json");
  if (existsSync(path)) return path;
  return folder === dirname(folder) ? undefined : findManifest(dirname(folder));
}
