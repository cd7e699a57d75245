import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Code } from "aws-cdk-lib/aws-lambda";
import { buildSync } from "esbuild";

/** CommonJS modules in a bundle call `require`, which ES modules do not have. */
const BANNER = 'import { createRequire as toRequire } from "node:module"; const require = toRequire(import.meta.url);';

/**
 * Bundles a runner of yours into one module. The SDK is left out: the runtimes of Lambda bring it. The same sources give
 * the same bytes, so a function whose code did not change is not updated. Throws what esbuild finds wrong.
 */
export function bundleRunner(entry: string): Code {
  const { outputFiles } = buildSync({
    entryPoints: [resolve(entry)],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node24",
    minify: true,
    external: ["@aws-sdk/*", "@smithy/*", "pg-native"],
    banner: { js: BANNER },
    logLevel: "silent",
  });
  const folder = mkdtempSync(join(tmpdir(), "stackyard-runner-"));
  for (const { contents } of outputFiles) writeFileSync(join(folder, "index.mjs"), contents);
  return Code.fromAsset(folder);
}
