import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import type { Leftovers } from "../source-parts.ts";

/** A choice that leaves out states, as Terraform's. */
export const STATES: Leftovers = {
  what: "states",
  isSkipped: (name) => name === ".terraform",
  isReported: (name) => /\.tfstate(?:\.lock\.info|\..*backup)?$/.test(name),
};

/** A folder for one test. */
export interface TestFolder {
  readonly path: string;
  write(files: Readonly<Record<string, string>>): void;
  /** Returns every file under a part of it with its text. */
  read(under: string): Record<string, string>;
  remove(): void;
}

export function aFolder(files: Readonly<Record<string, string>> = {}): TestFolder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "sources-test-")));
  const write = (more: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(more)) {
      mkdirSync(dirname(join(path, name)), { recursive: true });
      writeFileSync(join(path, name), text);
    }
  };
  write(files);
  const read = (under: string) => {
    const root = join(path, under);
    const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = entries.map((entry) => join(entry.parentPath, entry.name));
    return Object.fromEntries(paths.sort().map((file) => [relative(root, file), readFileSync(file, "utf8")]));
  };
  return { path, write, read, remove: () => rmSync(path, { recursive: true, force: true }) };
}
