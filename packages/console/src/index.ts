import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";

export { consolePaths } from "./paths.ts";

/** A content coding in which a file of the console exists. */
export type ConsoleEncoding = "br" | "gzip";

/** One file of the built console. */
export interface ConsoleFile {
  readonly contentType: string;
  /** Its name contains a hash of its content: it can be cached without an end. */
  readonly immutable: boolean;
  /** Other codings than none, best first. */
  readonly encodings: readonly ConsoleEncoding[];
  /** Reads the file, compressed or not. */
  readonly read: (encoding?: ConsoleEncoding) => Uint8Array<ArrayBuffer>;
}

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};
const SUFFIXES = { br: ".br", gzip: ".gz" } as const satisfies Record<ConsoleEncoding, string>;

/**
 * Returns a file of the built console by its path, such as `/index.html`, `/editor.html` or `/assets/index-4f1c.js`; undefined
 * for any other path. Only names that the build wrote are found, so a path from outside reaches no other file. `index.html`
 * and `editor.html` contain `__NONCE__` in place of the nonce of the content security policy.
 */
export function findConsoleFile(path: string): ConsoleFile | undefined {
  files ??= readFiles();
  return files.get(path);
}

let files: ReadonlyMap<string, ConsoleFile> | undefined;

function readFiles(): ReadonlyMap<string, ConsoleFile> {
  // Beside this module when built, in `dist` when it is run from its source.
  const folder = import.meta.dirname.endsWith("src") ? join(import.meta.dirname, "../dist") : import.meta.dirname;
  const pages = listFiles(folder).filter((name) => name.endsWith(".html"));
  const assets = listFiles(join(folder, "assets")).map((name) => `assets/${name}`);
  const names = new Set([...pages, ...assets]);
  return new Map(
    [...names].flatMap((name) => {
      const contentType = TYPES[extname(name)];
      return contentType === undefined ? [] : [[`/${name}`, toFile(folder, name, contentType, names)]];
    }),
  );
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function toFile(folder: string, name: string, contentType: string, names: ReadonlySet<string>): ConsoleFile {
  return {
    contentType,
    immutable: name.startsWith("assets/"),
    encodings: (["br", "gzip"] as const).filter((encoding) => names.has(name + SUFFIXES[encoding])),
    read: (encoding) => readFileSync(join(folder, name + (encoding === undefined ? "" : SUFFIXES[encoding]))),
  };
}
