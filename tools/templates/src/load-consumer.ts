import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { InlineConsumer } from "@stackyard/cdk";

/** Where the build of the consumer lies in the repository. */
export const CONSUMER_BUILD = "apps/consumer/dist/inline";
/** The maximum size in the template; three functions contain it, two of them the smaller file. */
export const MAX_FILE_BYTES = 400 * 1_024;

/** Reads the files that the consumer's template contains. Throws if they are not built, or too large. */
export async function loadConsumer(root: string): Promise<InlineConsumer> {
  // In turn, so that the error names the first file that is missing.
  const copy = await loadFile(root, "copy");
  return { copy, resources: await loadFile(root, "resources") };
}

async function loadFile(root: string, name: string): Promise<string> {
  const file = `${CONSUMER_BUILD}/${name}.js`;
  const text = await readFile(join(root, file), "utf8").catch((cause: unknown) => {
    const message = `${file} cannot be read: build the consumer first, with \`npm run build\`.`;
    throw new Error(message, { cause });
  });
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_FILE_BYTES) throw new Error(`${file} has ${bytes} bytes, more than the ${MAX_FILE_BYTES} that fit.`);
  return text;
}
