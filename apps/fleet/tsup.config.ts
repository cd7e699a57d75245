import { defineConfig, type Options } from "tsup";

// Everything in one folder, without node_modules. What is CommonJS in it calls `require`, which modules do not have.
const bundle: Options = {
  format: "esm",
  target: "node22",
  platform: "node",
  splitting: true,
  minify: true,
  clean: true,
  removeNodeProtocol: false,
  outExtension: () => ({ js: ".mjs" }),
  banner: {
    js: 'import { createRequire as toRequire } from "node:module"; const require = toRequire(import.meta.url);',
  },
};

export default defineConfig([
  // The runtimes of Lambda bring the SDK along.
  {
    ...bundle,
    entry: { index: "src/index.ts" },
    outDir: "dist/lambda",
    external: [/^@aws-sdk\//, /^@smithy\//, "pg-native"],
    noExternal: [/^(?!@aws-sdk\/|@smithy\/|pg-native$)/],
  },
  {
    ...bundle,
    entry: { main: "src/main.ts" },
    outDir: "dist/container",
    external: ["pg-native"],
    noExternal: [/^(?!pg-native$)/],
  },
]);
