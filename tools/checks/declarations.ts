import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { digestFiles, openMade } from "./made.ts";
import { findPublishedPackages, type PublishedPackage, repositoryRoot } from "./published-packages.ts";

// Writes the type declarations of every package into its `dist`, next to the bundles. One run of the
// compiler makes all of them: a run per package reads the types of the AWS SDK again and again, which takes most of a build. What was
// made from the same sources stays.

const RELATIVE = /((?:from|import)\s*\(?\s*")(\.{1,2}\/[^"]+)\.ts(")/g;
const work = join(repositoryRoot, "temp/declarations");
const packages = findPublishedPackages();
const made = openMade(repositoryRoot, "declarations");
const patterns = ["packages/*/src/**/*.{ts,tsx}", "packages/*/package.json", "*.json", "tools/checks/*.ts"];
const digest = digestFiles(
  repositoryRoot,
  globSync(patterns, { cwd: repositoryRoot }).map((path) => join(repositoryRoot, path)),
);
if (!areThere()) {
  rmSync(work, { recursive: true, force: true });
  made.forget();
  compile();
  for (const unit of packages) writeDeclarations(unit);
  rmSync(work, { recursive: true });
  made.note(digest);
}

function areThere(): boolean {
  if (!made.isFrom(digest)) return false;
  return packages.every(({ folder, entries }) =>
    entries.every(({ built }) => existsSync(join(folder, built.replace(/\.js$/, ".d.ts")))),
  );
}

function compile(): void {
  const config = {
    extends: "../../tsconfig.json",
    compilerOptions: {
      noEmit: false,
      // `npm run types` checks them, with all that uses them.
      noCheck: true,
      declaration: true,
      emitDeclarationOnly: true,
      rootDir: "../..",
      outDir: ".",
    },
    include: [],
    files: packages.flatMap(({ folder, entries }) => entries.map(({ source }) => join(folder, source))),
  };
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, "tsconfig.json"), JSON.stringify(config));
  const compiler = join(repositoryRoot, "node_modules/typescript-7/bin/tsc");
  const { status } = spawnSync(process.execPath, [compiler, "-p", work, "--checkers", "1"], {
    cwd: repositoryRoot,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(1);
}

/** Copies the declarations that the package's entries reach, and nothing of what they do not export. */
function writeDeclarations({ folder, entries }: PublishedPackage): void {
  const dist = join(folder, "dist");
  for (const file of globSync("**/*.d.ts", { cwd: dist })) rmSync(join(dist, file));
  const sources = join(work, relative(repositoryRoot, folder), "src");
  const open = entries.map(({ source }) => join(folder, source).replace(join(folder, "src"), sources));
  const seen = new Set<string>();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const from = dirname(next);
    // The compiler leaves the extensions of sources in declarations; there they name files that are not published.
    const text = readFileSync(next.replace(/\.ts$/, ".d.ts"), "utf8").replace(
      RELATIVE,
      (_, before: string, path: string, after: string) => {
        open.push(join(from, `${path}.ts`));
        return `${before}${path}.js${after}`;
      },
    );
    const target = join(dist, relative(sources, next)).replace(/\.ts$/, ".d.ts");
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
}
