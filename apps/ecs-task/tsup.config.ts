import { defineConfig } from "tsup";

// Everything in one folder, without node_modules. What is CommonJS in it calls `require`, which modules do not have.
export default defineConfig([
  // The runtimes of Lambda bring the SDK along.
  {
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
    entry: { index: "src/index.ts" },
    outDir: "dist/lambda",
    external: [/^@aws-sdk\//, /^@smithy\//],
    noExternal: [/^(?!@aws-sdk\/|@smithy\/)/],
  },
]);
