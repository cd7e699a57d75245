/** What V8 recorded of one script; offsets are characters of its source. */
export interface ScriptCoverage {
  readonly url: string;
  readonly functions: readonly {
    readonly functionName: string;
    /** The first range is the whole function. */
    readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
  }[];
}

/** A source file of which at least one function ran. */
export interface CorridorFile {
  /** The name of the package's folder. */
  readonly package: string;
  /** From the root of the repository. */
  readonly path: string;
  readonly lines: number;
  /** Functions that ran. */
  readonly functions: number;
}

/**
 * Returns the files of `packages/<name>/src` in which the body of a function ran, sorted by path. The top level of a module
 * runs when it is loaded, whatever is done afterwards, so it does not count. `read` returns the source of a path.
 */
export function countCorridor(
  scripts: readonly ScriptCoverage[],
  { root, read }: { readonly root: URL; readonly read: (path: string) => string },
): readonly CorridorFile[] {
  const ran = new Map<string, Set<string>>();
  for (const { url, functions } of scripts) {
    const path = toPath(url, root);
    if (path === undefined || !SOURCE.test(path)) continue;
    // A process may load one file several times; V8 then has a script for each.
    ran.set(path, new Set([...(ran.get(path) ?? []), ...functions.flatMap(toBody)]));
  }
  return [...ran]
    .filter(([, bodies]) => bodies.size > 0)
    .map(([path, bodies]) => ({
      package: SOURCE.exec(path)?.[1] ?? "",
      path,
      lines: read(path).split("\n").length - 1,
      functions: bodies.size,
    }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Returns the files as text, grouped by package, with the total in the last line. */
export function formatCorridor(files: readonly CorridorFile[]): string {
  const groups = [...Map.groupBy(files, (file) => file.package)].map(([name, group]) => {
    const rows = group.map(({ path, lines, functions }) => {
      const inside = path.slice(`packages/${name}/src/`.length);
      return `  ${inside.padEnd(44)}${`${lines}`.padStart(6)}${`${functions}`.padStart(6)}`;
    });
    return [`${`${name}: ${count(group)}`.padEnd(46)} lines  run`, ...rows, ""].join("\n");
  });
  return [...groups, `One event runs through ${count(files)}.`].join("\n");
}

function count(files: readonly CorridorFile[]): string {
  const lines = files.reduce((sum, file) => sum + file.lines, 0);
  return `${files.length} ${files.length === 1 ? "file" : "files"}, ${lines} lines`;
}

/** Returns the place of the body, if it ran and is not the top level of a module. */
function toBody({ functionName, ranges: [body] }: ScriptCoverage["functions"][number]): readonly string[] {
  const isTopLevel = functionName === "" && body?.startOffset === 0;
  return body === undefined || body.count === 0 || isTopLevel ? [] : [`${body.startOffset}-${body.endOffset}`];
}

const SOURCE = /^packages\/([^/]+)\/src\/.+\.ts$/;

function toPath(url: string, root: URL): string | undefined {
  return url.startsWith(root.href) ? decodeURI(url.slice(root.href.length)).replace(/\?.*$/, "") : undefined;
}
