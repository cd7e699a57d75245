import { copyFile, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Writes the text in a template to a file, like Lambda: an `index.js` with the SDK installed above it. */
export async function placeCode(name: "copy" | "resources") {
  const folder = await mkdtemp(join(tmpdir(), "stackyard-consumer-"));
  const bundle = join(folder, "index.js");
  await copyFile(join(import.meta.dirname, `../dist/inline/${name}.js`), bundle);
  await mkdir(join(folder, "node_modules"));
  const sdk = dirname(dirname(createRequire(import.meta.url).resolve("@aws-sdk/client-s3/package.json")));
  await symlink(sdk, join(folder, "node_modules/@aws-sdk"));
  return { bundle, remove: () => rm(folder, { recursive: true, force: true }) };
}
