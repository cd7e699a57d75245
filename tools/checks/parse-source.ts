/** One import of a source. */
export interface Import {
  readonly specifier: string;
  /** By the names in the module that is imported; undefined for all of it. */
  readonly names: readonly string[] | undefined;
}

/** What the text of a source says about other files. */
export interface Source {
  readonly imports: readonly Import[];
  /** Only of a file that re-exports names and does nothing else: where each of them comes from. */
  readonly exports?: ReadonlyMap<string, { readonly specifier: string; readonly name: string }>;
  /** It finds files by its own place, or by the working directory. */
  readonly isPlaced: boolean;
  /** Texts that may be paths of files. */
  readonly literals: readonly string[];
  /** Packages of this repository that it names without an import: for a configuration, or for a program that it starts. */
  readonly packages: readonly string[];
}

const STATEMENT = /^(?:import|export)\s+(?!type\b)([^"';]*?)\s*\bfrom\s+"([^"]+)"/gm;
const BARE = /^import\s+"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;
const SPECIFIER = /\bfrom\s+"[^"]+"|\bimport\(\s*"[^"]+"|^import\s+"[^"]+"/gm;
const RE_EXPORT = /^export (?:type )?\{[^}]*\}\s*from "[^"]+";$/gm;
const COMMENT = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;
const PLACED = /\bimport\.meta\.(?:url|dirname|filename|resolve)\b|\bprocess\.cwd\(\)|\btoMatchFileSnapshot\b/;
const LITERAL = /["'`]((?:\.{1,2}\/|[\w-]+\/)[^"'`$\n]*|\.{1,2})["'`]/g;

/** Reads a source that Biome has formatted. Imports of types alone do not count: they are gone when it runs. */
export function parseSource(text: string): Source {
  const statements = [...text.matchAll(STATEMENT)].map(([, clause = "", specifier = ""]) => {
    return { specifier, pairs: toPairs(clause) };
  });
  const whole = [...text.matchAll(BARE)].map(([, bare, called]) => ({
    specifier: bare ?? called ?? "",
    names: undefined,
  }));
  const isIndex = text.replaceAll(COMMENT, "").replaceAll(RE_EXPORT, "").trim() === "";
  const exports = statements.flatMap(({ specifier, pairs = [] }) =>
    pairs.map(([name, alias]) => [alias, { specifier, name }] as const),
  );
  const imports = statements.map(({ specifier, pairs }) => ({ specifier, names: pairs?.map(([name]) => name) }));
  const others = text.replaceAll(SPECIFIER, "");
  const literals = [...others.matchAll(LITERAL)].map(([, literal = ""]) => literal);
  return {
    imports: [...imports, ...whole],
    ...(isIndex && { exports: new Map(exports) }),
    isPlaced: PLACED.test(text),
    literals,
    // As a text of its own: a message may mention a package.
    packages: [...others.matchAll(/["'`](@stackyard\/[^"'`\n]+)["'`]/g)].map(([, name = ""]) => name),
  };
}

/** Returns the packages of this repository that a text names. */
export function findPackages(text: string): readonly string[] {
  return [...text.matchAll(/@stackyard\/[\w-]+(?:\/[\w-]+)*/g)].map(([name]) => name);
}

/** Returns each name of `{ a, b as c, type D }` with its alias, and undefined for an import of all. */
function toPairs(clause: string): readonly (readonly [name: string, alias: string])[] | undefined {
  const [, inner] = /^\{([^}]*)\}$/.exec(clause.trim()) ?? [];
  return inner
    ?.split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "" && !each.startsWith("type "))
    .map((each) => {
      const [name = "", alias = name] = each.split(/\s+as\s+/);
      return [name, alias];
    });
}
