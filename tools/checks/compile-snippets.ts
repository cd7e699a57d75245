import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type DocSnippet, readDocSnippets } from "./doc-snippets.ts";
import { findPages } from "./find-pages.ts";
import { repositoryRoot } from "./published-packages.ts";

/** A code block as a file of a project. */
export interface SnippetFile {
  /** In the folder of all code blocks. */
  readonly path: string;
  readonly text: string;
  readonly page: string;
  /** The line of the page that the first line of the file would have. */
  readonly firstLine: number;
}

const LANGUAGES = new Set(["ts", "js"]);

/** Names code blocks of TypeScript and JavaScript as their pages do: blocks of a page may import each other. */
export function toSnippetFiles(snippets: readonly DocSnippet[]): readonly SnippetFile[] {
  const taken = new Set<string>();
  return snippets
    .filter(({ language }) => LANGUAGES.has(language))
    .map(({ page, line, language, note, given, text }) => {
      const name = findName(note, text) ?? `line-${line}.${language}`;
      const wanted = join(page, name);
      const path = taken.has(wanted) ? join(page, `line-${line}`, name) : wanted;
      taken.add(path);
      // A block without an import is a module too.
      const end = name.endsWith(".cjs") ? "" : "export {};\n";
      const givenLines = given.split("\n").length - 1;
      return { page, path, text: `${given}${text}${end}`, firstLine: line - givenLines };
    });
}

function findName(note: string, text: string): string | undefined {
  return /^file=(\S+)$/.exec(note)?.[1] ?? /^\/\/ file: (\S+)\n/.exec(text)?.[1];
}

const FOLDER = "pages";
const OPTIONS = {
  target: "es2024",
  lib: ["es2024"],
  module: "nodenext",
  strict: true,
  types: ["node"],
  noEmit: true,
  allowJs: true,
  checkJs: true,
  allowImportingTsExtensions: true,
};

/**
 * Compiles the code blocks of all pages in a project that has the packed packages, strictly, and every declaration that they reach;
 * with `both`, by the older compiler, too. Returns what is wrong, as `page:line message`, and how many blocks there are.
 */
export async function compileSnippets(
  project: string,
  { both }: { readonly both: boolean },
): Promise<{ problems: readonly string[]; count: number }> {
  const snippets = findPages().flatMap((page) =>
    readDocSnippets(page, readFileSync(join(repositoryRoot, page), "utf8")),
  );
  const files = toSnippetFiles(snippets);
  for (const { path, text } of files) {
    const file = join(project, FOLDER, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: OPTIONS, include: [FOLDER] }));
  linkTools(project);
  const runs = await Promise.all([
    ...(both ? [runCompiler("typescript", ["--skipLibCheck"], project)] : []),
    // One checker: several check most types of libraries once each.
    runCompiler("typescript-7", ["--checkers", "1"], project),
  ]);
  const problems = runs.flatMap(({ version, lines }) =>
    lines.map((line) => `TypeScript ${version}: ${toPageLine(line, files)}`),
  );
  return { problems, count: files.length };
}

/** Packages that the pages use apart from ours: links save the time of an installation. */
const LINKED = ["vitest", "@types/node", "@stackyard/aws-sim", "@stackyard/lambda-host"];

function linkTools(project: string): void {
  for (const name of LINKED) {
    const link = join(project, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    if (!existsSync(link)) symlinkSync(join(repositoryRoot, "node_modules", name), link);
  }
}

interface Compilation {
  readonly version: string;
  readonly lines: readonly string[];
}

async function runCompiler(name: string, words: readonly string[], project: string): Promise<Compilation> {
  const folder = join(repositoryRoot, "node_modules", name);
  const { version }: { version: string } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const args = [join(folder, "bin/tsc"), "-p", ".", "--pretty", "false", ...words];
  const child = spawn(process.execPath, args, { cwd: project, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk));
  const exitCode = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const lines = output.split(/\n(?=\S)/).filter((line) => line.trim() !== "");
  if (exitCode !== 0 && lines.length === 0) return { version, lines: [`tsc ended with ${exitCode}.`] };
  // What lies outside of the project is linked from this repository, and checked there.
  return { version, lines: exitCode === 0 ? [] : lines.filter((line) => !line.startsWith("..")) };
}

/** Returns a message of the compiler, at the place of the page. */
function toPageLine(line: string, files: readonly SnippetFile[]): string {
  const [, path, number = "", message] = /^pages\/(.+?)\((\d+),\d+\): ([\s\S]*)$/.exec(line) ?? [];
  const file = files.find((each) => each.path === path);
  return file === undefined ? line.trim() : `${file.page}:${file.firstLine + Number(number) - 1} ${message?.trim()}`;
}
