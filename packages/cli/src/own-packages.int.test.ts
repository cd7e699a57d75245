import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findOwnSource, formatInstall, isInstalled, toOwnDependencies } from "./own-packages.ts";
import { VERSION } from "./own-version.ts";

let place = "";
beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), "stackyard-source-")));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

/** Installs by the lock that npm keeps. Returns the folder of the program. */
function install(resolved: Readonly<Record<string, string>>): string {
  const packages = Object.entries(resolved).map(([name, from]) => [`node_modules/${name}`, { resolved: from }]);
  mkdirSync(join(place, "app/node_modules"), { recursive: true });
  for (const name of Object.keys(resolved)) mkdirSync(join(place, "app/node_modules", name), { recursive: true });
  const lock = join(place, "app/node_modules/.package-lock.json");
  writeFileSync(lock, JSON.stringify({ packages: Object.fromEntries(packages) }));
  return join(place, "app/node_modules/stackyard");
}

const NAMES = ["stackyard", "@stackyard/hosts"];

describe("packages of ours are installed from where the program came:", () => {
  it("a clone by its paths, also through the link that npm makes", () => {
    mkdirSync(join(place, "clone/packages/cli"), { recursive: true });
    mkdirSync(join(place, "app/node_modules"), { recursive: true });
    symlinkSync(join(place, "clone/packages/cli"), join(place, "app/node_modules/stackyard"));

    const source = findOwnSource(join(place, "app/node_modules/stackyard"));

    const packages = `${place}/clone/packages`;
    expect(source).toEqual({ kind: "clone", packages });
    expect(formatInstall(NAMES, source)).toBe(`npm install ${packages}/cli ${packages}/hosts`);
    expect(toOwnDependencies(NAMES, place, source)).toEqual({
      stackyard: `file:${packages}/cli`,
      "@stackyard/hosts": `file:${packages}/hosts`,
    });
  });

  it("a bundle by all of its files, relative to the new project", () => {
    const files = { stackyard: "stackyard-1.tgz", "@stackyard/core": "stackyard-core-1.tgz" };
    mkdirSync(join(place, "app/stackyard-1"), { recursive: true });
    for (const file of Object.values(files)) writeFileSync(join(place, "app/stackyard-1", file), "");
    const resolved = Object.entries(files).map(([name, file]) => [name, `file:stackyard-1/${file}`]);
    const source = findOwnSource(install({ ...Object.fromEntries(resolved), pg: "https://npm.example.org/pg.tgz" }));

    expect(formatInstall(["@stackyard/hosts"], source)).toBe(`npm install ${place}/app/stackyard-1/*.tgz`);
    expect(toOwnDependencies(NAMES, join(place, "new"), source)).toEqual({
      stackyard: "file:../app/stackyard-1/stackyard-1.tgz",
      "@stackyard/core": "file:../app/stackyard-1/stackyard-core-1.tgz",
    });
  });

  it("one file by itself and those next to it that are asked for", () => {
    for (const file of ["stackyard-1.tgz", "stackyard-sdk-1.tgz", "stackyard-mcp-1.tgz"])
      writeFileSync(join(place, file), "");
    const home = install({ stackyard: "file:../stackyard-1.tgz" });
    mkdirSync(join(home, "node_modules/@stackyard/core"), { recursive: true });
    writeFileSync(join(home, "node_modules/@stackyard/core/package.json"), "{}");
    const source = findOwnSource(home);

    expect(source).toEqual({ kind: "file", file: `${place}/stackyard-1.tgz`, home });
    expect(formatInstall(["@stackyard/mcp"], source)).toBe(`npm install ${place}/stackyard-mcp-1.tgz`);
    expect(toOwnDependencies(["stackyard", "@stackyard/sdk", "@stackyard/hosts"], join(place, "new"), source)).toEqual({
      stackyard: "file:../stackyard-1.tgz",
      "@stackyard/sdk": "file:../stackyard-sdk-1.tgz",
    });
  });

  it("what no one file has from the bundle of the release, and the server for assistants from its own file, also before it was copied", () => {
    writeFileSync(join(place, "stackyard-1.tgz"), "");
    const home = install({ stackyard: "file:../stackyard-1.tgz" });
    mkdirSync(join(home, "node_modules/@stackyard/core"), { recursive: true });
    writeFileSync(join(home, "node_modules/@stackyard/core/package.json"), "{}");
    const source = findOwnSource(home);

    expect(formatInstall(["@stackyard/executor-ecs"], source)).toBe(
      "tar xf stackyard-1.tar.gz && npm install ./stackyard-1/*.tgz",
    );
    expect(formatInstall(["@stackyard/mcp"], source)).toBe(`npm install ${place}/stackyard-mcp-1.tgz`);
    expect(formatInstall(["stackyard", "@stackyard/mcp"], source)).toBe(
      `npm install ${place}/stackyard-1.tgz ${place}/stackyard-mcp-1.tgz`,
    );
    expect(formatInstall(["@stackyard/mcp"], { kind: "unknown" })).toBe(
      "npm install ./stackyard-*/*.tgz ./stackyard-*/extra/stackyard-mcp-*.tgz",
    );
  });

  it("and need no installation in the folder that has them", () => {
    writeFileSync(join(place, "stackyard-1.tgz"), "");
    const home = install({ stackyard: "file:../stackyard-1.tgz" });
    mkdirSync(join(home, "node_modules/@stackyard/core"), { recursive: true });
    writeFileSync(join(home, "node_modules/@stackyard/core/package.json"), "{}");
    const source = findOwnSource(home);
    const here = join(place, "app");

    expect(isInstalled(["stackyard", "@stackyard/sdk"], here, source)).toBe(true);
    expect(isInstalled(["stackyard"], join(place, "new"), source)).toBe(false);
    // The file of the SDK came later: it is installed next.
    writeFileSync(join(place, "stackyard-sdk-1.tgz"), "");
    expect(isInstalled(["stackyard", "@stackyard/sdk"], here, source)).toBe(false);
  });

  it("a registry by name and version", () => {
    const source = findOwnSource(install({ stackyard: "https://npm.example.org/stackyard/-/stackyard-1.tgz" }));

    expect(formatInstall(NAMES, source)).toBe(`npm install stackyard@${VERSION} @stackyard/hosts@${VERSION}`);
    expect(toOwnDependencies(NAMES, place, source)).toEqual({ stackyard: VERSION, "@stackyard/hosts": VERSION });
  });

  it.each([
    ["a bundle that is gone", { stackyard: "file:gone/stackyard-1.tgz" }],
    ["a lock that does not name it", {}],
  ])("never by a bare name: %s", (_, resolved) => {
    const home = install(resolved);
    mkdirSync(home, { recursive: true });
    const source = findOwnSource(home);

    expect(source).toEqual({ kind: "unknown" });
    expect(formatInstall(NAMES, source)).toBe("npm install ./stackyard-*/*.tgz");
    expect(toOwnDependencies(NAMES, place, source)).toEqual({});
  });

  it("never by a bare name: a global installation, of which npm keeps no lock", () => {
    const home = join(place, "lib/node_modules/stackyard");
    mkdirSync(home, { recursive: true });

    expect(findOwnSource(home)).toEqual({ kind: "unknown" });
  });
});
