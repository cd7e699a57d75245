import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { packDocs } from "./pack-docs.ts";

const repository = join(import.meta.dirname, "../../..");
const root = mkdtempSync(join(tmpdir(), "stackyard-pack-docs-"));
afterAll(() => rmSync(root, { recursive: true }));

it("packs the built documentation alone, with the version of the packages", () => {
  const folder = join(root, "tools/docs");
  mkdirSync(join(folder, "dist/docs"), { recursive: true });
  mkdirSync(join(folder, "src"));
  copyFileSync(join(repository, "tools/docs/package.json"), join(folder, "package.json"));
  writeFileSync(join(folder, "src/main.ts"), "");
  expect(packDocs(root)).toBeUndefined();

  for (const file of ["index.html", "llms.txt", "docs/cli.html"]) writeFileSync(join(folder, "dist", file), "");
  const [name = "", content = new Uint8Array()] = packDocs(root) ?? [];

  const { version } = JSON.parse(readFileSync(join(repository, "packages/core/package.json"), "utf8"));
  expect(name).toBe(`stackyard-docs-${version}.tgz`);
  const listed = execFileSync("tar", ["-tz"], { input: content, encoding: "utf8" }).trim().split("\n").toSorted();
  expect(listed).toEqual([
    "package/dist/docs/cli.html",
    "package/dist/index.html",
    "package/dist/llms.txt",
    "package/package.json",
  ]);
});
