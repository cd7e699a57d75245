import { globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import ts from "typescript";
import { afterAll, describe, expect, it } from "vitest";
import { flattenTypes } from "./flatten-types.ts";

const temp = mkdtempSync(join(tmpdir(), "flatten types ğ #"));
afterAll(() => rmSync(temp, { recursive: true }));

const MODULE = { type: "module", exports: { ".": { types: "./dist/index.d.ts" } } };
const OURS = "node_modules/@stackyard/core";
/** A package with the declarations of its entry, and of ours that it needs. */
const USUAL = {
  "package.json": JSON.stringify({ name: "one", ...MODULE }),
  [`${OURS}/package.json`]: JSON.stringify({ name: "@stackyard/core", ...MODULE }),
  [`${OURS}/dist/index.d.ts`]: 'export { Event } from "./event.js";\nexport type { Unused } from "./unused.js";\n',
  [`${OURS}/dist/event.d.ts`]: "export interface Event {\n  readonly id: string;\n}\n",
  [`${OURS}/dist/unused.d.ts`]: 'export type Unused = import("typebox").Static<string>;\n',
};
let count = 0;

/** Flattens a package, compiles a program that uses it with all checks of libraries, and returns the errors. */
function check(files: Readonly<Record<string, string>>, text: string, place = join(temp, String(count++))) {
  const folder = join(place, "node_modules/one");
  const all: Readonly<Record<string, string>> = { ...USUAL, ...files };
  for (const [path, text] of Object.entries(all)) write(join(folder, path), text);
  flattenTypes(folder, ["dist/index.d.ts"]);
  write(join(place, "program.ts"), text);
  const program = ts.createProgram([join(place, "program.ts")], {
    ...{ noEmit: true, strict: true, types: [], lib: ["lib.es5.d.ts"] },
    ...{ module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2024 },
  });
  const errors = ts
    .getPreEmitDiagnostics(program)
    .map((each) => ts.flattenDiagnosticMessageText(each.messageText, " "));
  return { errors, left: globSync("**/*.d.ts", { cwd: folder }).sort() };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Fails to compile unless `value` has exactly the type of an event. */
const uses = (line: string) =>
  `${line}\nconst right: string = value.id;\n// @ts-expect-error\nconst wrong: number = value.id;\nvoid [right, wrong];\n`;

describe("flat types", () => {
  it("are what an entry exports, and what that needs; nothing else is left", () => {
    const { errors, left } = check(
      { "dist/index.d.ts": 'import type { Event } from "@stackyard/core";\nexport declare function get(): Event;\n' },
      uses('import { get } from "one";\nconst value = get();'),
    );

    expect(errors).toEqual([]);
    expect(left).toEqual(["dist/index.d.ts", `${OURS}/dist/event.d.ts`].sort());
  });

  it.each([
    // Reported: microsoft/rushstack#1586 ("left in the d.ts rollup as import() expressions").
    [
      "a type that is imported in place",
      'export declare function get(): import("@stackyard/core").Event;\n',
      'import { get } from "one";\nconst value = get();',
      {},
    ],
    [
      "a type that is imported in place by another name",
      'export declare function get(): import("./names.js").Renamed;\n',
      'import { get } from "one";\nconst value = get();',
      { "dist/names.d.ts": 'export { Event as Renamed } from "@stackyard/core";\n' },
    ],
    // Reported: Swatinem/rollup-plugin-dts#5 (namespaces).
    [
      "a module that is imported as a whole",
      'import type * as core from "@stackyard/core";\nexport declare function get(): core.Event;\n',
      'import { get } from "one";\nconst value = get();',
      { [`${OURS}/dist/unused.d.ts`]: "export type Unused = 1;\n" },
    ],
    [
      "a module that is exported under a name",
      'export * as core from "@stackyard/core";\n',
      'import type { core } from "one";\ndeclare const value: core.Event;',
      { [`${OURS}/dist/unused.d.ts`]: "export type Unused = 1;\n" },
    ],
    [
      "all that another module exports",
      'export * from "@stackyard/core";\n',
      'import type { Event } from "one";\ndeclare const value: Event;',
      { [`${OURS}/dist/unused.d.ts`]: "export type Unused = 1;\n" },
    ],
    // Reported: microsoft/rushstack#1904, #2014, #2804 (default exports).
    [
      "the default of another module",
      'export { default as get } from "./get.js";\n',
      'import { get } from "one";\nconst value = get();',
      {
        "dist/get.d.ts": 'import type { Event } from "@stackyard/core";\nexport default function get(): Event;\n',
      },
    ],
    [
      "a default that has a name of its own",
      'export { default } from "./get.js";\n',
      'import get from "one";\nconst value = get;',
      {
        "dist/get.d.ts":
          'import type { Event } from "@stackyard/core";\ndeclare const made: Event;\nexport default made;\n',
      },
    ],
    [
      "a name that its module exports as another",
      'export { get } from "./get.js";\n',
      'import { get } from "one";\nconst value = get();',
      {
        "dist/get.d.ts":
          'import type { Event } from "@stackyard/core";\ndeclare function own(): Event;\ninterface Hidden {}\nexport { own as get };\nexport {};\n',
      },
    ],
    // Reported: microsoft/rushstack#1755 (one name in two modules).
    [
      "one name of two modules",
      'import type { Event as Other } from "./event.js";\nimport type { Event } from "@stackyard/core";\nexport declare function get(): Event & Other;\n',
      'import { get } from "one";\nconst value = get();\nconst own: 1 = value.own;\nvoid own;',
      { "dist/event.d.ts": "export interface Event {\n  own: 1;\n}\n" },
    ],
  ])("have %s", (_, entry, line, files) => {
    const { errors } = check({ "dist/index.d.ts": entry, ...files }, uses(line));

    expect(errors).toEqual([]);
  });

  it("are the same for a folder that is reached by a link", () => {
    const place = join(temp, "real");
    mkdirSync(place);
    symlinkSync(place, join(temp, "link"));

    const { left } = check(
      { "dist/index.d.ts": 'import type { Event } from "@stackyard/core";\nexport declare function get(): Event;\n' },
      "",
      join(temp, "link"),
    );

    expect(left).toContain(`${OURS}/dist/event.d.ts`);
  });

  it("are refused where they need a package that is left out, unless their readers bring it", () => {
    const entry = 'import type { Pool } from "pg";\nexport declare function get(): Pool;\n';

    const ofPeer = JSON.stringify({ name: "one", ...MODULE, peerDependencies: { pg: "^8.0.0" } });

    expect(() => check({ "dist/index.d.ts": entry, "package.json": ofPeer }, "")).not.toThrow();
    expect(() => check({ "dist/index.d.ts": entry }, "")).toThrow(/dist\/index\.d\.ts.*'pg'/);
  });

  it("are refused where nothing is built", () => {
    expect(() => check({}, "")).toThrow("dist/index.d.ts is missing: build the package first.");
  });
});
