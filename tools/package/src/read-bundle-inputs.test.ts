import { expect, it } from "vitest";
import { readBundleInputs } from "./read-bundle-inputs.ts";

const input = (...paths: readonly string[]) => ({
  bytes: 1,
  imports: paths.map((path) => ({ path, kind: "import-statement" })),
});

it("finds packages of all kinds, also nested ones, and leaves out what was shaken away", () => {
  const inputs = {
    "src/index.ts": input("../../packages/core/dist/a.js"),
    "../../packages/core/dist/a.js": input("../../node_modules/@x/y/a.js", "../../packages/core/dist/b.js"),
    "../../node_modules/@x/y/a.js": input(
      "../../node_modules/@x/y/node_modules/z/a.js",
      "../../node_modules/gone/a.js",
    ),
    "../../node_modules/@x/y/node_modules/z/a.js": input(),
    "../../node_modules/gone/a.js": input(),
  };
  const used = Object.fromEntries(
    Object.keys(inputs).map((path) => [path, { bytesInOutput: path.includes("gone") ? 0 : 9 }]),
  );
  const imports = [
    { path: "node:fs", external: true },
    { path: "@aws-sdk/client-s3/dist/x.js", external: true },
    { path: "chunk.mjs" },
  ];
  const outputs = { "out/index.mjs": { inputs: used, imports, exports: ["handler"], entryPoint: "src/index.ts" } };

  expect(readBundleInputs({ inputs, outputs }, "/r/apps/a")).toEqual({
    exports: ["handler"],
    external: ["@aws-sdk/client-s3"],
    packages: new Map([
      ["/r/packages/core", { name: "core", imports: new Set(["/r/node_modules/@x/y"]) }],
      ["/r/node_modules/@x/y", { name: "@x/y", imports: new Set(["/r/node_modules/@x/y/node_modules/z"]) }],
      ["/r/node_modules/@x/y/node_modules/z", { name: "z", imports: new Set() }],
    ]),
  });
});

it("rejects a file that is not a metafile", () => {
  expect(() => readBundleInputs({ inputs: {} }, "/r")).toThrow("does not fit");
});
