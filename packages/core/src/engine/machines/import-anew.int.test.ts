// @module-tag adapter
import { type ChildProcessWithoutNullStreams, execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stackyard-imports-"));
  await write("package.json", '{ "type": "module", "imports": { "#own": "./shared/own.ts" } }');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

/** A machine whose events come from an expression over what it imports. */
const toModule = (head: string, events: string) =>
  `${head}\nexport default { version: 1, events: ${events}, states: { INIT: {} }, tasks: {} };`;

const PROGRAM = `
  import { createFolderLocator } from ${JSON.stringify(new URL("machine-folder.ts", import.meta.url).href)};
  import { createInterface } from "node:readline";
  const clock = { now: () => 0, sleep: () => Promise.resolve() };
  const locators = new Map();
  for await (const line of createInterface({ input: process.stdin })) {
    const { folder, name } = JSON.parse(line);
    const locator = locators.get(folder) ?? createFolderLocator({ folder, executors: new Map(), clock });
    locators.set(folder, locator);
    const located = await locator.find(name, { fresh: true });
    const events = located.kind === "found" ? [...located.machine.events].join() : located.problems?.[0]?.message;
    console.log(JSON.stringify(events ?? located.kind));
  }`;

// The runner of tests has modules of its own, so machines are found in another process.
let child: ChildProcessWithoutNullStreams;
let lines: AsyncIterator<string>;
beforeAll(() => {
  child = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM]);
  child.stderr.pipe(process.stderr);
  lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
});
afterAll(() => child.stdin.end());

async function find(name = "app"): Promise<unknown> {
  child.stdin.write(`${JSON.stringify({ folder: join(folder, "machines"), name })}\n`);
  const line = await lines.next();
  return line.done === true ? "ended" : JSON.parse(line.value);
}

describe("a machine in TypeScript", () => {
  // counterfact/api-simulator#835, eslint/config-inspector#265, nodejs/tooling#51
  it.each([
    [
      "a module",
      "../shared/own.ts",
      (name: string): string => `export const NAME: string = "${name}";`,
      "shared/own.ts",
    ],
    ["what a module imports", "../shared/via.ts", (name: string) => `export const NAME = "${name}";`, "shared/own.ts"],
    ["an import of the package", "#own", (name: string) => `export const NAME = "${name}";`, "shared/own.ts"],
    ["a module of CommonJS", "../shared/old.cjs", (name: string) => `exports.NAME = "${name}";`, "shared/old.cjs"],
    ["what it requires", "../shared/outer.cjs", (name: string) => `exports.NAME = "${name}";`, "shared/old.cjs"],
  ])("changes with %s", async (_what, specifier, toText, file) => {
    await write("shared/via.ts", 'export { NAME } from "./own.ts";');
    await write("shared/outer.cjs", 'module.exports = require("./old.cjs");');
    await write("machines/app.ts", toModule(`import * as own from "${specifier}";`, "[(own.default ?? own).NAME]"));
    await write(file, toText("FIRST"));
    const first = await find();

    await write(file, toText("SECOND"));

    expect([first, await find()]).toEqual(["FIRST", "SECOND"]);
  });

  it("changes with JSON that it imports", async () => {
    const head = 'import names from "../names.json" with { type: "json" };';
    await write("machines/app.mjs", toModule(head, "names"));
    await write("names.json", '["FIRST"]');
    const first = await find();

    await write("names.json", '["SECOND"]');

    expect([first, await find()]).toEqual(["FIRST", "SECOND"]);
  });

  it("that shares an import changes with the others, and its own text counts as before", async () => {
    for (const name of ["app", "web"])
      await write(`machines/${name}.ts`, toModule('import { NAME } from "../own.ts";', "[NAME]"));
    await write("own.ts", 'export const NAME = "FIRST";');
    const first = [await find("app"), await find("web")];
    await write("own.ts", 'export const NAME = "SECOND";');
    const second = [await find("app"), await find("web")];
    await write("machines/web.ts", toModule('import { NAME } from "../own.ts";', '[NAME, "MORE"]'));

    expect([first, second]).toEqual([
      ["FIRST", "FIRST"],
      ["SECOND", "SECOND"],
    ]);
    expect([await find("app"), await find("web")]).toEqual(["SECOND", "SECOND,MORE"]);
  });

  it("is loaded once while nothing of it changes", async () => {
    await write("machines/app.ts", toModule('import "../own.ts";', '["GO", String(globalThis.stackyardLoads)]'));
    await write("own.ts", "globalThis.stackyardLoads = (globalThis.stackyardLoads ?? 0) + 1;");

    expect([await find(), await find()]).toEqual(["GO,1", "GO,1"]);
  });

  it("is not loaded again while what it imports is a folder", async () => {
    await write("machines/app.ts", toModule('import { NAME } from "../shared";', "[NAME]"));
    await write("shared/own.ts", 'export const NAME = "GO";');
    const program = `
      import { importAnew, stampOf } from ${JSON.stringify(new URL("import-anew.ts", import.meta.url).href)};
      const { result, imports } = await importAnew(${JSON.stringify(join(folder, "machines/app.ts"))});
      const changed = [...imports].filter(([path, stamp]) => stampOf(path) !== stamp);
      console.log(JSON.stringify([result.kind, imports.size, changed.length]));`;

    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);

    expect(JSON.parse(stdout)).toEqual(["failed", 1, 0]);
  });

  it("is loaded again when what it imports is corrected, or is there at last", async () => {
    await write("machines/app.ts", toModule('import { NAME } from "../own.ts";', "[NAME]"));
    const missing = await find();
    await write("own.ts", "export const NAME = ;");
    const broken = await find();
    await write("own.ts", 'export const NAME = "GO";');

    expect([missing, broken]).toEqual([expect.stringContaining("own.ts"), expect.stringMatching(/cannot be loaded/)]);
    expect(await find()).toBe("GO");
  });

  it("changes with the mount of a ConfigMap, whose files are links that are swapped", async () => {
    for (const version of ["1", "2"]) {
      await write(`machines/..${version}/app.mjs`, toModule('import { NAME } from "./own.js";', "[NAME]"));
      await write(`machines/..${version}/own.js`, `export const NAME = "V${version}";`);
    }
    await symlink("..1", join(folder, "machines/..data"));
    await symlink("..data/app.mjs", join(folder, "machines/app.mjs"));
    const first = await find();

    await symlink("..2", join(folder, "machines/..next"));
    await rename(join(folder, "machines/..next"), join(folder, "machines/..data"));

    expect([first, await find()]).toEqual(["V1", "V2"]);
  });
});
