import { copyFile, mkdir, mkdtemp, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const BUILT = join(import.meta.dirname, "../../../../apps/consumer/dist/inline/copy.js");

/** Code as Lambda has it. */
export interface PlacedCode {
  readonly bundle: string;
  remove(): Promise<void>;
}

/** What the consumer's template holds as text, as Lambda writes it: an `index.js` that has the SDK above it. */
export async function placeCopyCode(): Promise<PlacedCode> {
  const isBuilt = await stat(BUILT).then(
    () => true,
    () => false,
  );
  if (!isBuilt) throw new Error("The consumer is not built: run `npm run build` first.");
  const folder = await mkdtemp(join(tmpdir(), "stackyard-bench-"));
  const bundle = join(folder, "index.js");
  await copyFile(BUILT, bundle);
  await mkdir(join(folder, "node_modules"));
  const sdk = dirname(dirname(createRequire(import.meta.url).resolve("@aws-sdk/client-s3/package.json")));
  await symlink(sdk, join(folder, "node_modules/@aws-sdk"));
  return { bundle, remove: () => rm(folder, { recursive: true, force: true }) };
}
