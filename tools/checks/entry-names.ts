import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";
import { findPublishedPackages, repositoryRoot } from "./published-packages.ts";
import { reportAndExit } from "./report.ts";

/** What one entry offers to its users. */
export interface EntryNames {
  readonly specifier: string;
  readonly names: readonly string[];
  readonly documented: readonly string[];
  /** Where the root tsconfig.json leads the specifier to, when that is not the entry's source. */
  readonly strayPath?: string;
}

/** Reads every entry of every package under `packages/` with the compiler and the paths of the root tsconfig.json. */
export function readEntryNames(root: string = repositoryRoot): EntryNames[] {
  const { options } = readConfig(root);
  const entries = findPublishedPackages(root).flatMap(({ folder, entries }) =>
    entries.map((entry) => ({ specifier: entry.specifier, source: join(folder, entry.source) })),
  );
  const sources = entries.map((entry) => entry.source);
  const program = ts.createProgram(sources.filter(existsSync), options, createHost(options, entries));
  return entries.map(({ specifier, source }) => {
    const { resolvedModule } = ts.resolveModuleName(specifier, join(root, "any.ts"), options, ts.sys);
    const target = resolvedModule?.resolvedFileName ?? "nothing";
    const stray = target === source ? {} : { strayPath: relative(root, target) };
    return { specifier, ...readNames(program, source), ...stray };
  });
}

/** Returns the faults of the entries, one line each. */
export function findEntryProblems(entries: readonly EntryNames[]): string[] {
  return entries.flatMap(({ specifier, names, strayPath }) => [
    ...(names.length === 0 ? [`${specifier} exports nothing.`] : []),
    ...(strayPath ? [`${specifier} leads to ${strayPath}: add its pattern to "paths" in tsconfig.json.`] : []),
  ]);
}

function readConfig(root: string): ts.ParsedCommandLine {
  const path = join(root, "tsconfig.json");
  const { config, error } = ts.readConfigFile(path, ts.sys.readFile);
  if (error) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, "\n"));
  return ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, root, { types: [], noLib: true });
}

/** Finds our sources only. The names of our entries need no types of other packages, and reading those takes most of the time. */
function createHost(options: ts.CompilerOptions, ours: readonly { readonly specifier: string }[]): ts.CompilerHost {
  const specifiers = new Set(ours.map(({ specifier }) => specifier));
  const host = ts.createCompilerHost(options);
  host.resolveModuleNameLiterals = (literals, file) =>
    literals.map(({ text }) =>
      text.startsWith(".") || specifiers.has(text)
        ? ts.resolveModuleName(text, file, options, host)
        : { resolvedModule: undefined },
    );
  return host;
}

function readNames(program: ts.Program, source: string): Pick<EntryNames, "names" | "documented"> {
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(source);
  const module = file && checker.getSymbolAtLocation(file);
  const symbols = module ? checker.getExportsOfModule(module) : [];
  const documented = symbols.filter((symbol) => {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    return ts.displayPartsToString(target.getDocumentationComment(checker)).trim() !== "";
  });
  return { names: symbols.map((symbol) => symbol.name), documented: documented.map((symbol) => symbol.name) };
}

if (import.meta.main) {
  const entries = readEntryNames();
  for (const { specifier, names, documented } of entries) {
    const bare = names.filter((name) => !documented.includes(name));
    const list = bare.length > 0 ? `; without a comment: ${bare.join(", ")}` : "";
    console.log(`  ${specifier}: ${names.length} names, ${documented.length} documented${list}`);
  }
  const count = entries.reduce((sum, entry) => sum + entry.names.length, 0);
  const documented = entries.reduce((sum, entry) => sum + entry.documented.length, 0);
  const share = `${Math.round((100 * documented) / Math.max(1, count))} % of ${count} names documented`;
  reportAndExit("entries", findEntryProblems(entries), share);
}
