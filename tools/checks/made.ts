import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

// Remembers from what bundles and declarations were made, by content, next to the passes of tests.

/** Returns a digest of the content of files, by their paths from the root. */
export function digestFiles(root: string, files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of files.toSorted()) {
    hash.update(`${relative(root, file)}\n`).update(createHash("sha256").update(readFileSync(file)).digest());
  }
  return hash.digest("base64url");
}

/** What was made last of one thing. */
export interface Made {
  isFrom(digest: string): boolean;
  /** From before a change of the results until they are complete. */
  forget(): void;
  note(digest: string): void;
}

/** Opens the memory of what was made of one thing, such as `packages/core`. */
export function openMade(root: string, name: string): Made {
  const file = join(root, "node_modules/.cache/stackyard-tests/made", name.replaceAll("/", "-"));
  return {
    isFrom: (digest) => existsSync(file) && readFileSync(file, "utf8") === digest,
    forget: () => rmSync(file, { force: true }),
    note(digest) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, digest);
    },
  };
}
