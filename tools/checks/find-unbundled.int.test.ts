import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findUnbundled, findUnbundledApps } from "./find-unbundled.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "bundle-"));
  aPackage("cli", { name: "a-program", bin: { yard: "bin/yard.js" } });
  write("packages/cli/src/bin.ts", 1);
  write("packages/cli/dist/bin.js", 2);
  aPackage("core", { name: "core", exports: { ".": { default: "./dist/index.js" } } });
  write("packages/core/src/index.ts", 1);
  write("packages/core/dist/index.js", 2);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function aPackage(folder: string, manifest: object): void {
  write(`packages/${folder}/package.json`, 1, JSON.stringify(manifest));
}

function write(path: string, changedAt: number, text = ""): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  utimesSync(join(root, path), changedAt, changedAt);
}

const names = () => findUnbundled(root).map(({ name }) => name);
const apps = () => findUnbundledApps(root).map(({ name }) => name);

describe("findUnbundled", () => {
  it("returns nothing when every bundle is newer than its sources", () => {
    expect(names()).toEqual([]);
  });

  it("returns a package whose source changed after its bundle", () => {
    aPackage("hosts", { name: "hosts", exports: { ".": { default: "./dist/index.js" } } });
    write("packages/hosts/dist/index.js", 2);
    write("packages/hosts/src/index.ts", 3);

    expect(names()).toEqual(["hosts"]);
  });

  it("returns the program too when a package changed that is within its files", () => {
    write("packages/core/src/engine/engine.ts", 3);

    expect(names()).toEqual(["core", "a-program"]);
  });

  it("ignores a test that changed", () => {
    write("packages/core/src/index.test.ts", 3);

    expect(names()).toEqual([]);
  });

  it("returns every package when their common configuration changed", () => {
    write("tsup.base.ts", 3);

    expect(names()).toEqual(["core", "a-program"]);
  });

  it("returns a package whose pages are not built, or whose components changed after them", () => {
    aPackage("console", { name: "console", exports: { ".": { default: "./dist/index.js" } } });
    for (const file of ["index.html", "src/index.ts", "src/page.tsx"]) write(`packages/console/${file}`, 1);
    write("packages/console/dist/index.js", 2);
    const withoutPages = names();
    write("packages/console/dist/index.html", 2);
    const built = names();
    write("packages/console/src/page.tsx", 3);

    expect([withoutPages, built, names()]).toEqual([["console"], [], ["console"]]);
  });

  it("returns the program last, because its file means that everything is there", () => {
    rmSync(join(root, "packages/cli/dist"), { recursive: true });
    rmSync(join(root, "packages/core/dist"), { recursive: true });

    expect(names()).toEqual(["core", "a-program"]);
  });
});

describe("findUnbundledApps", () => {
  beforeEach(() => {
    write("apps/runner/package.json", 1, JSON.stringify({ name: "runner" }));
    write("apps/runner/tsup.config.ts", 1);
    write("apps/runner/src/index.ts", 1);
    write("apps/runner/dist/lambda/index.mjs", 3);
  });

  it("returns nothing when every bundle is newer than its sources and the packages within it", () => {
    expect(apps()).toEqual([]);
  });

  it("returns an app that was never bundled", () => {
    rmSync(join(root, "apps/runner/dist"), { recursive: true });

    expect(apps()).toEqual(["runner"]);
  });

  it("returns an app whose source, or a package within it, changed after one of its bundles", () => {
    write("apps/runner/src/index.ts", 4);
    const ofItsOwn = apps();
    write("apps/runner/src/index.ts", 1);
    write("packages/core/dist/index.js", 4);

    expect([ofItsOwn, apps()]).toEqual([["runner"], ["runner"]]);
  });
});
