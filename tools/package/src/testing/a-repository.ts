import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const BUILD = `export default [
  { entry: { index: "src/index.ts" }, outDir: "dist/lambda", format: "esm", platform: "node", minify: true, splitting: true,
    outExtension: () => ({ js: ".mjs" }), external: [/^@aws-sdk\\//], noExternal: [/^(?!@aws-sdk\\/)/] },
];`;

const SHA512 = Buffer.alloc(64, 7).toString("base64");

const FILES: Readonly<Record<string, string>> = {
  "packages/core/package.json": '{"name":"@stackyard/core","version":"0.1.0"}',
  "package-lock.json": JSON.stringify({
    packages: { "": {}, "node_modules/@x/dep": { version: "1.2.3", integrity: `sha512-${SHA512}` } },
  }),
  "node_modules/@x/dep/package.json":
    '{"name":"@x/dep","version":"1.2.3","license":"MIT","type":"module","main":"a.js"}',
  "node_modules/@x/dep/a.js": 'import { deep } from "deep"; export const used = () => deep;',
  "node_modules/@x/dep/LICENSE": "Copyright X",
  "node_modules/deep/package.json":
    '{"name":"deep","version":"2.0.0","license":"(MIT OR Apache-2.0)","type":"module","main":"a.js"}',
  "node_modules/deep/a.js": 'export const deep = "deep";',
  "node_modules/shaken/package.json":
    '{"name":"shaken","version":"3.0.0","type":"module","main":"a.js","sideEffects":false}',
  "node_modules/shaken/a.js": "export const unused = 1;",
  "apps/tiny/package.json": '{"name":"tiny","type":"module"}',
  "apps/tiny/tsup.config.ts": BUILD,
  "apps/tiny/src/index.ts": `import { S3Client } from "@aws-sdk/client-s3";
import { used } from "@x/dep";
import { unused } from "shaken";
export const handler = async () => [used(), typeof S3Client];
export const lambdaHandler = handler;`,
  "apps/bare/package.json": '{"name":"bare","type":"module"}',
  "apps/bare/tsup.config.ts": BUILD,
  "apps/bare/src/index.ts": "export const handler = async () => 1;",
  "apps/container-only/package.json": '{"name":"container-only","type":"module"}',
  "apps/container-only/tsup.config.ts": 'export default { entry: ["src/main.ts"], outDir: "dist/container" };',
  "apps/broken/README.md": "No app yet.",
};

/** Creates a small repository in a folder: two apps with a function, one without, and one that is missing. */
export function makeRepository(changes: Readonly<Record<string, string>> = {}) {
  const root = mkdtempSync(join(tmpdir(), "stackyard-package-test-"));
  for (const [path, text] of Object.entries({ ...FILES, ...changes })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}
