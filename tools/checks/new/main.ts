import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { repositoryRoot } from "../published-packages.ts";
import { newExecutor } from "./new-executor.ts";
import type { NewFiles } from "./new-files.ts";
import { newOperation } from "./new-operation.ts";

const USAGE = `Writes the files of a new part, with a test that fails.

  npm run new -- executor wait-for-dns     a package with an executor
  npm run new -- operation extendFreeze    an operation of the API and its route
`;

function exists(path: string): boolean {
  return existsSync(join(repositoryRoot, path));
}

function versionOf(dependency: string): string {
  const manifest = JSON.parse(readFileSync(join(repositoryRoot, "packages/core/package.json"), "utf8"));
  if (dependency === "node") return manifest.engines.node;
  return dependency === manifest.name ? manifest.version : manifest.dependencies[dependency];
}

function make(kind: string | undefined, name: string): NewFiles | undefined {
  if (kind === "executor") return newExecutor(name, versionOf);
  return kind === "operation" ? newOperation(name, exists) : undefined;
}

function write({ files, next }: NewFiles): void {
  const there = [...files.keys()].filter(exists);
  if (there.length > 0) throw new Error(`There is already ${there.join(", ")}. Nothing was written.`);
  for (const [path, text] of files) {
    mkdirSync(dirname(join(repositoryRoot, path)), { recursive: true });
    writeFileSync(join(repositoryRoot, path), text);
  }
  console.log(`Written:\n  ${[...files.keys()].join("\n  ")}\n\nNext:`);
  for (const [index, step] of next.entries()) console.log(`  ${index + 1}. ${step}`);
}

const [kind, name] = process.argv.slice(2);
try {
  const made = name === undefined ? undefined : make(kind, name);
  if (made === undefined) {
    console.error(USAGE);
    process.exitCode = 2;
  } else write(made);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
