import { describe, expect, it } from "vitest";
import { findManifestProblems } from "./manifests.ts";

const versions = new Map([["@stackyard/core", "0.1.0"]]);
const aManifest = (changes: object = {}) => ({
  description: "A store.",
  license: "MIT",
  type: "module",
  sideEffects: false,
  engines: { node: ">=22.18" },
  files: ["dist", "README.md", "LICENSE"],
  exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" }, "./package.json": "./package.json" },
  publishConfig: { access: "public" },
  scripts: { build: "tsup" },
  dependencies: { "@stackyard/core": "0.1.0", yaml: "2.9.1" },
  ...changes,
});

describe("findManifestProblems", () => {
  it("accepts the common form", () => {
    expect(findManifestProblems(aManifest(), versions)).toEqual([]);
  });

  const faults: [string, object, RegExp][] = [
    ["another engine", { engines: { node: ">=20" } }, /^"engines" must be/],
    ["files that are not shipped", { files: ["dist", "README.md"] }, /"LICENSE"/],
    ["a private package", { private: true }, /"private" must go/],
    [
      "types behind the default",
      { exports: { ".": { default: "./dist/a.js", types: "./dist/a.d.ts" } } },
      /this order/,
    ],
    ["types of another file", { exports: { ".": { types: "./dist/b.d.ts", default: "./dist/a.js" } } }, /must be/],
    ["an old version of ours", { dependencies: { "@stackyard/core": "0.0.9" } }, /must be "0.1.0"/],
    ["a range", { dependencies: { yaml: "^2.9.1" } }, /exact version/],
    [
      "a program that npm cannot link before a build",
      { bin: { yard: "dist/bin.js" }, files: ["bin", "dist", "README.md", "LICENSE"] },
      /^bin "yard" must be "bin/,
    ],
    ["a program that is not shipped", { bin: { yard: "bin/yard.js" } }, /^"files" must contain "bin"/],
    ["no build", { scripts: {} }, /scripts.build/],
  ];
  for (const [fault, changes, problem] of faults) {
    it(`reports ${fault}, and nothing else`, () => {
      expect(findManifestProblems(aManifest(changes), versions)).toEqual([expect.stringMatching(problem)]);
    });
  }
});
