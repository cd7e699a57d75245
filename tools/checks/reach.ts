import { dirname, join, normalize } from "node:path";
import { findPackages, parseSource, type Source } from "./parse-source.ts";

// What a file of tests can reach: the sources that it imports, and the files that these name. Packages have no side effects
// ("sideEffects": false) and their index.ts only re-exports, so of a package only the files count whose names are imported: a
// change in one of them does not reach all that imports the package.

/** The files of the repository that matter for tests, by their paths from its root. */
export interface Repository {
  readonly paths: ReadonlySet<string>;
  /** Reads a source. */
  read(path: string): string;
  /** The source of each import of a package of this repository, such as `@stackyard/core/machine`. */
  readonly entries: ReadonlyMap<string, string>;
}

/** The files that decide what a test gives, by their paths; `everything` when it reads the repository itself. */
export type Reached = ReadonlySet<string> | "everything";

/**
 * `a/b.ts`, a source and what it imports; `a/b.ts content`; `a/index.ts#name`, a name that it re-exports; `a/b data` and
 * `a/b built`, files of a package; `everything`.
 */
type Node = string;

const CONFIG = /\.(?:json|ya?ml)$/;
const CODE = /\.(?:ts|tsx|js|mjs|cjs)$/;
/** Folders of packages that others use. Those of examples and docs are read. */
const HOMES: ReadonlySet<string> = new Set(["packages", "apps", "tools"]);
/** What no bundle contains. */
const ASIDE = /\.test(-d)?\.tsx?$|\/(testing|e2e)\//;

/** Returns the folder of the package that a file belongs to. */
export function toHome(path: string): string {
  return path.split("/").slice(0, 2).join("/");
}

/** Finds what tests reach. Each source is read once for all of them. */
export function createReach(repository: Repository): (path: string) => Reached {
  const graph = new Graph(repository);
  return (path) => {
    // End-to-end tests run what users get, and not the sources. Others pass before anything is built, so nothing of that decides them.
    const isBuilt = path.split("/").includes("e2e");
    const found = isBuilt
      ? follow([path, `${toHome(path)} built`], (node) => graph.next(node))
      : follow([path], (node) => graph.next(node).filter(isOfSources));
    if (found.has("everything")) return "everything";
    return new Set([...found].map(withoutKind).filter((each) => repository.paths.has(each)));
  };
}

function follow(from: readonly Node[], next: (node: Node) => readonly Node[]): ReadonlySet<Node> {
  const found = new Set(from);
  for (const node of found) for (const each of next(node)) found.add(each);
  return found;
}

function isOfSources(node: Node): boolean {
  return !node.endsWith(" built");
}

function withoutKind(node: Node): string {
  return node.replace(/ content$/, "");
}

/** What leads to what. */
class Graph {
  private readonly repository: Repository;
  private readonly folders: ReadonlyMap<string, readonly string[]>;
  private readonly sources = new Map<string, Source>();
  private readonly known = new Map<Node, readonly Node[]>();

  constructor(repository: Repository) {
    this.repository = repository;
    this.folders = groupByFolder(repository.paths);
  }

  next(node: Node): readonly Node[] {
    const nodes = this.known.get(node) ?? this.find(node);
    this.known.set(node, nodes);
    return nodes;
  }

  private find(node: Node): readonly Node[] {
    const [home = "", kind] = node.split(" ");
    if (kind === "content") return [];
    if (kind === "data") return this.listFiles(home).filter((path) => !CODE.test(path));
    if (kind === "built") return this.ofBuilt(home);
    const [path = "", name] = node.split("#");
    if (name !== undefined) return this.ofName(path, name);
    if (!this.repository.paths.has(path)) return [];
    return CODE.test(path) ? this.ofSource(path) : this.ofData(path);
  }

  private ofSource(path: string): readonly Node[] {
    const { imports, isPlaced, literals, packages } = this.read(path);
    const imported = imports.flatMap(({ specifier, names }) => this.ofImport(path, specifier, names));
    const data = isPlaced ? literals.flatMap((literal) => this.ofPath(path, literal)) : [];
    return [...imported, ...this.ofPackages(packages), ...data, ...(isPlaced ? [`${toHome(path)} data`] : [])];
  }

  /** A configuration names packages that are loaded. */
  private ofData(path: string): readonly Node[] {
    if (!CONFIG.test(path) || path.endsWith("package.json")) return [];
    return this.ofPackages(findPackages(this.repository.read(path)));
  }

  /** What is named and not imported is loaded whole. */
  private ofPackages(specifiers: readonly string[]): readonly Node[] {
    const entries = specifiers.flatMap((specifier) => this.repository.entries.get(specifier) ?? []);
    return entries.flatMap((entry) => [entry, `${toHome(entry)} data`]);
  }

  private ofBuilt(home: string): readonly Node[] {
    const own = this.listFiles(home).filter((path) => !ASIDE.test(path));
    // What configures its build is not part of it.
    return own.map((path) => (path.startsWith(`${home}/src/`) ? path : `${path} content`));
  }

  private ofName(path: string, name: string): readonly Node[] {
    // What an index.ts does not export by name is a type, or an error that another check finds.
    const origin = this.read(path).exports?.get(name);
    return origin === undefined ? [] : this.ofImport(path, origin.specifier, [origin.name]);
  }

  private ofImport(from: string, specifier: string, names: readonly string[] | undefined): readonly Node[] {
    const [bare = ""] = specifier.split("?");
    const path = bare.startsWith(".") ? normalize(join(dirname(from), bare)) : this.repository.entries.get(bare);
    // A package of npm: the lock file is part of every key.
    if (path === undefined) return [];
    if (!this.repository.paths.has(path)) return this.ofPath(from, bare);
    // An index.ts leads to where the names come from, any other file to itself.
    const isIndex = names !== undefined && CODE.test(path) && this.read(path).exports !== undefined;
    return isIndex ? names.map((name) => `${path}#${name}`) : [path];
  }

  /** What a source writes as a path: from its own place, or from the root of the repository. */
  private ofPath(from: string, literal: string): readonly Node[] {
    const target = normalize(join(dirname(from), literal)).replace(/\/$/, "");
    const inside = this.listFiles(target);
    // The root, what is above it, and a folder of packages are almost everything.
    if (target === "." || target.startsWith("..") || HOMES.has(target)) return ["everything"];
    if (this.repository.paths.has(target)) return [target];
    if (target.split("/")[2] === "dist") return [`${toHome(target)} built`];
    const found = inside.length > 0 ? inside : this.listFiles(literal.replace(/\/$/, ""));
    return this.repository.paths.has(literal) ? [literal] : found.map((path) => `${path} content`);
  }

  private listFiles(folder: string): readonly string[] {
    return this.folders.get(folder) ?? [];
  }

  private read(path: string): Source {
    const source = this.sources.get(path) ?? parseSource(this.repository.read(path));
    this.sources.set(path, source);
    return source;
  }
}

/** Returns all files below each folder. */
function groupByFolder(paths: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
  const folders = new Map<string, string[]>();
  for (const path of paths) {
    for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) {
      const inside = folders.get(folder);
      if (inside === undefined) folders.set(folder, [path]);
      else inside.push(path);
    }
  }
  return folders;
}
