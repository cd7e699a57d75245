import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findPublishedPackages, repositoryRoot } from "../published-packages.ts";

const { version } = JSON.parse(readFileSync(join(repositoryRoot, "packages/cli/package.json"), "utf8"));
const clone = realpathSync(mkdtempSync(join(tmpdir(), "stackyard-clone-")));

/**
 * Packages that are not bundled yet: those that every command needs, and the program. Of the others, the clone has the
 * bundles of this repository, unless the tests take long: the build of this repository makes each by the same configuration.
 */
const UNBUNDLED = ["core", "sdk", "cli"];

const MADE = "node_modules/.cache/stackyard-tests/made";
const unbundled = process.env["LONG_TESTS"] ? findPublishedPackages(repositoryRoot).length : UNBUNDLED.length;

/** What a clone has after `npm install`: the committed files, and its dependencies. */
beforeAll(() => {
  const committed = [
    "packages",
    "tools/checks",
    "package.json",
    "package-lock.json",
    "tsup.base.ts",
    "vite.base.ts",
    "tsconfig.base.json",
    "tsconfig.json",
  ];
  const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z", ...committed], {
    cwd: repositoryRoot,
    encoding: "utf8",
  });
  for (const file of listed.split("\0").filter((path) => path !== "" && existsSync(join(repositoryRoot, path)))) {
    cpSync(join(repositoryRoot, file), join(clone, file));
  }
  linkDependencies();
  if (!process.env["LONG_TESTS"]) copyBundles();
});
afterAll(() => rmSync(clone, { recursive: true, force: true }));

function linkDependencies(): void {
  const ours = findPublishedPackages(clone);
  const names = new Set(ours.map(({ manifest }) => manifest.name.split("/")[0]));
  for (const name of readdirSync(join(repositoryRoot, "node_modules"))) {
    // What the clone notes is of its own bundles.
    if (!names.has(name) && name !== ".cache")
      link(join(repositoryRoot, "node_modules", name), join(clone, "node_modules", name));
  }
  for (const { folder, manifest } of ours) {
    link(folder, join(clone, "node_modules", manifest.name));
    const nested = join(repositoryRoot, "packages", basename(folder), "node_modules");
    if (existsSync(nested)) link(nested, join(folder, "node_modules"));
  }
}

function copyBundles(): void {
  for (const { folder } of findPublishedPackages(clone)) {
    const name = basename(folder);
    if (UNBUNDLED.includes(name)) continue;
    cpSync(join(repositoryRoot, "packages", name, "dist"), join(folder, "dist"), { recursive: true });
    cpSync(join(repositoryRoot, MADE, `packages-${name}`), join(clone, MADE, `packages-${name}`));
  }
}

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}

function stackyard(...args: readonly string[]) {
  const program = join(clone, "packages/cli/bin/stackyard.js");
  return spawnSync(process.execPath, [program, ...args], { cwd: clone, encoding: "utf8" });
}

describe("stackyard in a clone whose packages are not bundled", () => {
  it("is built by the first command, which prints nothing else than its answer", () => {
    const { status, stdout, stderr } = stackyard("--version");

    expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: `${version}\n` });
    expect(stderr).toMatch(/^Building \d+ packages of this clone …\n(?: +\d+\/\d+ \S+\n)+Built in [\d.]+ s\.\n$/);
    expect(Number(/\d+/.exec(stderr)?.[0])).toBe(unbundled);
  });

  it("is not built again", () => {
    expect(stackyard("--version")).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: "" });
  });

  it("works: it writes a project and validates its machine", () => {
    expect(stackyard("init", "a-project")).toMatchObject({ status: 0, stderr: "" });
    expect(stackyard("validate", "a-project/machines")).toMatchObject({ status: 0 });
  });

  it("ends with 3 and says what to do when it cannot be built", () => {
    rmSync(join(clone, "packages/cli/dist"), { recursive: true });
    rmSync(join(clone, "packages/cli/src/run-process.ts"));

    const { status, stderr } = stackyard("--version");

    expect(status).toBe(3);
    expect(stderr).toMatch(/Run `npm install`, then `npm run build`\.\n$/);
  });
});
