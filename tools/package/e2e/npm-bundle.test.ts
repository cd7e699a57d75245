import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageNpm, writeNpmBundle } from "../src/package-npm.ts";

// What a person does on a machine without a clone: unpacks the bundle in a folder, and installs it.

const root = join(import.meta.dirname, "../../..");
const temp = mkdtempSync(join(tmpdir(), "stackyard-npm-bundle-"));
const project = join(temp, "project");
const QUIET = ["--no-audit", "--no-fund", "--prefer-offline"];

/** A registry in which strangers have taken our names. */
const asked: string[] = [];
const registry = createServer((request, response) => {
  const path = decodeURIComponent(request.url ?? "");
  asked.push(path);
  const name = path.slice(1);
  const { port } = registry.address() as AddressInfo;
  const tarball = `http://127.0.0.1:${port}/hostile.tgz`;
  const versions = ["0.1.0", "99.0.0"].map((version) => [version, { name, version, dist: { tarball } }]);
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ name, "dist-tags": { latest: "99.0.0" }, versions: Object.fromEntries(versions) }));
});

const call = promisify(execFile);
const npm = async (cwd: string, ...words: readonly string[]) => (await call("npm", words, { cwd })).stdout;
const stackyard = async (cwd: string, ...words: readonly string[]) =>
  (await call(process.execPath, [join(project, "node_modules/stackyard/bin/stackyard.js"), ...words], { cwd })).stdout;

function readManifest(folder: string) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/** Runs a line of the bundle's README. */
async function enter(line: string): Promise<string> {
  return (await call("bash", ["-euo", "pipefail", "-c", line], { cwd: project })).stdout;
}

/** A package in a lock. */
interface Locked {
  readonly version: string;
  readonly resolved?: string;
  readonly integrity?: string;
}

let lines: readonly string[] = [];
beforeAll(async () => {
  await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
  const { port } = registry.address() as AddressInfo;
  const bundle = await packageNpm(root, "0.1.0");
  await writeNpmBundle(join(temp, "out"), bundle);
  mkdirSync(project);
  writeFileSync(
    join(project, ".npmrc"),
    `@stackyard:registry=http://127.0.0.1:${port}\nprefer-offline=true\naudit=false\n`,
  );
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }');
  cpSync(join(temp, "out/stackyard-0.1.0.tar.gz"), join(project, "stackyard-0.1.0.tar.gz"));
  const readme = Buffer.from(bundle.files.get("README.md") ?? []).toString();
  lines = [...readme.matchAll(/^ {4}(.*)$/gm)].map(([, line = ""]) => line);
  for (const line of lines.slice(0, 2)) await enter(line);
}, 300_000);
afterAll(() => {
  registry.close();
  rmSync(temp, { recursive: true, force: true });
});

describe("the bundle of npm packages", () => {
  it("is installed as its README says, and runs", async () => {
    const { version } = readManifest(join(root, "packages/cli"));

    expect(lines).toHaveLength(3);
    expect(await enter(lines[2] ?? "")).toBe(`${version}\n`);
  });

  it("takes every package of ours from its files, also when a registry has others of that name [npm/npm#20337]", () => {
    const { packages } = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8"));
    const ours = Object.entries<{ resolved?: string }>(packages).filter(([path]) =>
      /(^|\/)(@stackyard\/[^/]+|stackyard)$/.test(path),
    );

    expect(ours.length).toBe(
      readdirSync(join(temp, "out/stackyard-0.1.0")).filter((file) => file.endsWith(".tgz")).length,
    );
    for (const [path, { resolved }] of ours) {
      expect(path).toMatch(/^node_modules\/(@stackyard\/)?[a-z-]+$/);
      expect(resolved).toMatch(/^file:stackyard-0\.1\.0\/stackyard-[a-z0-9.-]+\.tgz$/);
    }
    // npm may ask what there is, but fetches none of it.
    expect(asked.filter((path) => path.includes("hostile"))).toEqual([]);
  });

  it("has a lock with the versions of this repository, each with its checksum, and names no registry", () => {
    const readLock = (folder: string) => JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8")).packages;
    const toName = ([path, { version }]: readonly [string, Locked]) =>
      `${path.split("node_modules/").at(-1)}@${version}`;
    const tested = new Set(Object.entries<Locked>(readLock(root)).map(toName));
    const { "": own, ...locked }: Readonly<Record<string, Locked>> = readLock(join(temp, "out/stackyard-0.1.0"));
    const others = Object.entries(locked).filter(([path]) => !/(^|\/)(@stackyard\/[^/]+|stackyard)$/.test(path));

    expect(own).toBeDefined();
    expect(others.length).toBeGreaterThan(100);
    expect(others.map(toName).filter((name) => !tested.has(name))).toEqual([]);
    expect(Object.values(locked).filter(({ integrity }) => integrity === undefined)).toEqual([]);
    expect(others.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  });

  it("has a command line that creates a valid project, and installs packages of ours from the same files", async () => {
    const created = await stackyard(temp, "init", "new");

    expect(await stackyard(join(temp, "new"), "validate", "machines", "--strict")).toContain("review-app.yaml");
    expect(created).toMatch(/^ {2}npm install$/m);
    expect(readManifest(join(temp, "new")).dependencies).toMatchObject({
      stackyard: "file:../project/stackyard-0.1.0/stackyard-0.1.0.tgz",
      "@stackyard/hosts": "file:../project/stackyard-0.1.0/stackyard-hosts-0.1.0.tgz",
    });
  });

  it("is installed from the lock on a machine that has only the project's folder, without development dependencies", async () => {
    const image = join(temp, "image");
    mkdirSync(image);
    for (const name of ["package.json", "package-lock.json", ".npmrc", "stackyard-0.1.0"])
      cpSync(join(project, name), join(image, name), { recursive: true });

    await npm(image, "ci", "--omit=dev", ...QUIET);

    const bin = join(image, "node_modules/stackyard/dist/bin.js");
    expect(execFileSync(process.execPath, [bin, "doctor", "--help"], { encoding: "utf8" })).toContain(
      "stackyard doctor",
    );
  }, 300_000);
});
