import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { SqliteStoreOptions } from "./create-sqlite-store.ts";
import { runInProcess } from "./testing/run-in-process.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

describe("the README", () => {
  it("shows an example that runs", async () => {
    const [, example = ""] = /```ts\n\/\/ file: example\.ts\n([\s\S]*?)```/.exec(readme) ?? [];
    const folder = mkdtempSync(join(tmpdir(), "stackyard-readme-"));
    const program = runInProcess(`process.chdir(process.argv[1]);\n${toModule(example, folder)}`, folder);

    expect(await program.line()).toBe("[ 'event' ]");
    await expect(program.ended()).resolves.toBe(0);

    rmSync(folder, { recursive: true });
  });

  it("lists every option", () => {
    const options: Required<{ [Name in keyof SqliteStoreOptions]: true }> = {
      folder: true,
      maxGroup: true,
      migrate: true,
      mustExist: true,
      logger: true,
      clock: true,
    };

    const listed = [...readme.matchAll(/^\| `(\w+)` \| (?:required|256|true|false|none|the system's) \|/gm)].map(
      (row) => row[1],
    );

    expect(listed.sort()).toEqual(Object.keys(options).sort());
  });
});

/** Imports come first in a module; the example changes no folder itself. */
function toModule(example: string, folder: string): string {
  writeFileSync(join(folder, "example.mjs"), example);
  return `await import(${JSON.stringify(join(folder, "example.mjs"))});`;
}
