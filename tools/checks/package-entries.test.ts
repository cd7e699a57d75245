import { describe, expect, it } from "vitest";
import { entriesOf, parseManifest, sourceEntriesOf } from "./package-entries.ts";

const target = (file: string) => ({ types: `./dist/${file}.d.ts`, default: `./dist/${file}.js` });
const manifest = {
  name: "@stackyard/core",
  exports: {
    ".": target("index"),
    "./machine": target("machine/index"),
    "./definition": target("definition"),
    "./package.json": "./package.json",
  },
  bin: { yard: "bin/yard.js" },
};

describe("entriesOf", () => {
  it("pairs what a user imports with its source, and omits files that are not modules", () => {
    const entries = entriesOf(parseManifest(manifest));

    expect(entries).toEqual([
      { specifier: "@stackyard/core", name: "index", source: "src/index.ts", built: "dist/index.js" },
      {
        specifier: "@stackyard/core/machine",
        name: "machine",
        source: "src/machine/index.ts",
        built: "dist/machine/index.js",
      },
      {
        specifier: "@stackyard/core/definition",
        name: "definition",
        source: "src/definition.ts",
        built: "dist/definition.js",
      },
    ]);
  });

  it("finds nothing in a package that only has programs", () => {
    const entries = entriesOf(parseManifest({ name: "stackyard", bin: manifest.bin }));

    expect(entries).toEqual([]);
  });
});

describe("sourceEntriesOf", () => {
  it("builds the entries, and the program that the committed file of bin imports", () => {
    const entries = sourceEntriesOf(manifest);

    expect(entries).toEqual({
      index: "src/index.ts",
      "machine/index": "src/machine/index.ts",
      definition: "src/definition.ts",
      bin: "src/bin.ts",
    });
  });
});

describe("parseManifest", () => {
  it("refuses a package without a name", () => {
    expect(() => parseManifest({})).toThrow("no name");
  });
});
