import { basename, dirname, extname } from "node:path";

/** A chunk of a build, as Vite lists it. */
interface Chunk {
  readonly file: string;
  readonly isEntry?: boolean;
  readonly imports?: readonly string[];
  readonly dynamicImports?: readonly string[];
  readonly css?: readonly string[];
}

/** Vite's list of chunks by their source. */
export type Manifest = Readonly<Record<string, Chunk>>;

/** A page of the console, and what it loads. */
export interface PageFiles {
  readonly page: string;
  readonly files: readonly string[];
}

/** The module of a page, or the chunk of one that several entries load. */
const PAGE = /([a-z]+-page)(?:\.tsx|-[\w-]{8}\.js)$/;

/**
 * Returns what each page loads: the entry, its own module, what these import at once or later, their styles, and workers.
 * The entry imports all pages later; of these only the page's own counts.
 */
export function readPages(manifest: Manifest, read: (file: string) => string): readonly PageFiles[] {
  const entries = Object.entries(manifest).filter(([, { isEntry }]) => isEntry);
  return entries.flatMap(([source]) => {
    const shared = collect(manifest, [source], () => false);
    const pages = shared.flatMap((key) => manifest[key]?.dynamicImports ?? []).filter((key) => PAGE.test(key));
    const alone = { page: nameOf(source), files: listFiles(manifest, shared, read) };
    if (pages.length === 0) return [alone];
    return [...new Set(pages)].map((key) => {
      const own = collect(manifest, [key], (each) => !PAGE.test(each));
      return { page: nameOf(key), files: listFiles(manifest, [...new Set([...shared, ...own])], read) };
    });
  });
}

/** Returns the chunks that these import; `isLoaded` says whether one that is imported later counts too. */
function collect(manifest: Manifest, from: readonly string[], isLoaded: (key: string) => boolean): readonly string[] {
  const found = new Set(from);
  for (const key of found) {
    const { imports = [], dynamicImports = [] } = manifest[key] ?? {};
    for (const next of [...imports, ...dynamicImports.filter(isLoaded)]) found.add(next);
  }
  return [...found];
}

function listFiles(manifest: Manifest, keys: readonly string[], read: (file: string) => string): readonly string[] {
  const chunks = keys.flatMap((key) => manifest[key] ?? []);
  const files = new Set(chunks.flatMap(({ file, css = [] }) => [file, ...css]));
  const known = new Set(Object.values(manifest).map(({ file }) => file));
  // Workers are not chunks of the list; scripts refer to them by address, and they to their own parts by name.
  for (const file of files) {
    if (extname(file) !== ".js") continue;
    for (const asset of findScripts(file, read(file))) if (!known.has(asset)) files.add(asset);
  }
  return [...files];
}

function findScripts(file: string, text: string): readonly string[] {
  const named = [...text.matchAll(/["'`]\.\/([\w.-]+\.js)["'`]/g)].map(([, name = ""]) => `${dirname(file)}/${name}`);
  const addressed = [...text.matchAll(/["'`]\/(assets\/[\w.-]+\.js)["'`]/g)].map(([, asset = ""]) => asset);
  return [...named, ...addressed];
}

function nameOf(source: string): string {
  return PAGE.exec(source)?.[1] ?? basename(source, extname(source));
}
