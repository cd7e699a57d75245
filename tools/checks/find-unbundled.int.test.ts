import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findUnbundled } from "./find-unbundled.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "bundle-"));
  aPackage("cli", { name: "a-program", bin: { yard: "bin/yard.js" }, dependencies: { core: "1.0.0" } });
  aPackage("core", { name: "core" });
  aPackage("hosts", { name: "hosts", dependencies: { core: "1.0.0" } });
  write("packages/cli/src/bin.ts");
  write("packages/cli/dist/bin.js");
  write("apps/runner/package.json", JSON.stringify({ name: "runner", dependencies: { hosts: "1.0.0" } }));
  write("apps/runner/tsup.config.ts");
  write("apps/runner/src/index.ts");
  write("apps/runner/dist/lambda/index.mjs");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function aPackage(folder: string, manifest: object): void {
  const exports = "bin" in manifest ? {} : { exports: { ".": { default: "./dist/index.js" } } };
  write(`packages/${folder}/package.json`, JSON.stringify({ ...manifest, ...exports }));
  write(`packages/${folder}/tsup.config.ts`);
  write(`packages/${folder}/src/index.ts`);
  write(`packages/${folder}/dist/index.js`);
}

function write(path: string, text = ""): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** Notes all bundles as made, changes something, and returns what is to be made again. */
function afterChange(change: () => void): readonly string[] {
  for (const { made, digest } of findUnbundled(root, true)) made.note(digest);
  change();
  return findUnbundled(root, true).map(({ name }) => name);
}

describe("findUnbundled", () => {
  it("returns what was never made: libraries, then programs, because their file means that everything is there, then apps", () => {
    expect(findUnbundled(root, true).map(({ name }) => name)).toEqual(["core", "hosts", "a-program", "runner"]);
    expect(findUnbundled(root).map(({ name }) => name)).toEqual(["core", "hosts", "a-program"]);
  });

  it("returns nothing when the content is the same, whatever the age of the files", () => {
    const touched = afterChange(() =>
      utimesSync(join(root, "packages/core/src/index.ts"), 4_000_000_000, 4_000_000_000),
    );

    expect(touched).toEqual([]);
  });

  it.each([
    [
      "a library: also the programs and apps that have it within",
      "packages/core/src/index.ts",
      ["core", "a-program", "runner"],
    ],
    ["a library that only an app has within", "packages/hosts/src/index.ts", ["hosts", "runner"]],
    ["an app", "apps/runner/src/index.ts", ["runner"]],
    ["the build of one", "packages/hosts/tsup.config.ts", ["hosts", "runner"]],
    ["what all are built by", "tsup.base.ts", ["core", "hosts", "a-program", "runner"]],
    ["a test", "packages/core/src/index.test.ts", []],
  ])("returns what a change reaches of %s", (_, path, expected) => {
    expect(afterChange(() => write(path, "changed"))).toEqual(expected);
  });

  it("returns pages when a package within them has changed", () => {
    aPackage("console", { name: "console", devDependencies: { hosts: "1.0.0" } });
    write("packages/console/index.html");
    write("packages/console/dist/index.html");

    expect(afterChange(() => write("packages/core/src/index.ts", "changed"))).toContain("console");
    expect(afterChange(() => rmSync(join(root, "packages/console/dist/index.html")))).toEqual(["console"]);
  });

  it("returns a bundle that is gone, and one whose build did not end", () => {
    expect(afterChange(() => rmSync(join(root, "packages/hosts/dist"), { recursive: true }))).toEqual(["hosts"]);
    const [library] = findUnbundled(root);
    expect(library?.name).toBe("hosts");
    write("packages/hosts/dist/index.js");
    library?.made.forget();

    expect(findUnbundled(root).map(({ name }) => name)).toEqual(["hosts"]);
  });

  it("returns what was made from other files since, also when the files are those of before", () => {
    const before = findUnbundled(root).find(({ name }) => name === "hosts");
    const changed = afterChange(() => {
      write("packages/hosts/src/index.ts", "changed");
      for (const { made, digest } of findUnbundled(root, true)) made.note(digest);
      write("packages/hosts/src/index.ts");
    });

    expect(changed).toEqual(["hosts", "runner"]);
    expect(findUnbundled(root)[0]?.digest).toBe(before?.digest);
  });
});
