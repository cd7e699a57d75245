import { statSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { createRequire, registerHooks } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

/** A module with its local imports, as they were when it was loaded. */
interface LoadedModule {
  readonly result:
    | { readonly kind: "loaded"; readonly module: unknown }
    | { readonly kind: "failed"; readonly error: unknown };
  /** The files that it imports, and what these import: path and stamp. Packages are not followed. */
  readonly imports: ReadonlyMap<string, string>;
}

/** The parameter that distinguishes loads of a module, since Node keeps each address that it has loaded. */
const LOAD = "stackyard-load";
const LOCAL = /^(\.{1,2}\/|#|file:)/;

const loads = new Map<string, Map<string, string>>();
let lastLoad = 0;
let isRegistered = false;

/**
 * Imports a module, and evaluates its local imports anew too. Node keeps modules by address, so all of one load have an address
 * of their own.
 */
export async function importAnew(path: string): Promise<LoadedModule> {
  register();
  lastLoad += 1;
  const load = String(lastLoad);
  const imports = new Map<string, string>();
  loads.set(load, imports);
  // Node remembers where links lead, which may be another file by now.
  const own = pathToFileURL(await realpath(path));
  own.searchParams.set(LOAD, load);
  try {
    const module: unknown = await import(own.href);
    return { result: { kind: "loaded", module }, imports };
  } catch (error) {
    return { result: { kind: "failed", error }, imports };
  } finally {
    loads.delete(load);
    for (const path of [...imports.keys()])
      for (const file of listRequired(path)) imports.set(file, imports.get(file) ?? stampOf(file));
  }
}

/** Returns what changes when a file is written or replaced; `missing` when it is not there. */
export function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? "missing" : `${found.mtimeMs}/${found.size}/${found.ino}`;
}

function register(): void {
  if (isRegistered) return;
  isRegistered = true;
  registerHooks({
    resolve(specifier, context, next) {
      const load = findLoad(context.parentURL);
      if (load === undefined || !LOCAL.test(specifier)) return next(specifier, context);
      const imports = loads.get(load);
      try {
        const found = next(specifier, context);
        if (!found.url.startsWith("file:") || found.url.includes("/node_modules/")) return found;
        const url = new URL(found.url);
        const path = fileURLToPath(url);
        imports?.set(path, stampOf(path));
        renewRequired(path);
        url.searchParams.set(LOAD, load);
        return { ...found, url: url.href };
      } catch (error) {
        // It may be there later; or it is a folder, which is not a module.
        if (specifier.startsWith(".")) {
          const wanted = fileURLToPath(new URL(specifier, context.parentURL));
          imports?.set(wanted, stampOf(wanted));
        }
        throw error;
      }
    },
  });
}

/** CommonJS is kept by path, not by address. */
function getCache(): NodeJS.Require["cache"] {
  return createRequire(import.meta.url).cache;
}

/** Evaluates a module of CommonJS that is loaded anew, and the local ones that it requires. */
function renewRequired(path: string): void {
  const files = listRequired(path);
  if (files.size === 0) return;
  for (const file of files) delete getCache()[file];
  try {
    createRequire(import.meta.url)(path);
  } catch {
    // The import that follows throws the same.
  }
}

/** Lists a module of CommonJS that is loaded, and the local modules that it requires. */
function listRequired(path: string, seen = new Set<string>()): ReadonlySet<string> {
  const found = getCache()[path];
  if (found === undefined || seen.has(path) || path.includes("/node_modules/")) return seen;
  seen.add(path);
  for (const { filename } of found.children) listRequired(filename, seen);
  return seen;
}

function findLoad(parent: string | undefined): string | undefined {
  if (parent === undefined || !parent.includes(LOAD)) return undefined;
  return new URL(parent).searchParams.get(LOAD) ?? undefined;
}
