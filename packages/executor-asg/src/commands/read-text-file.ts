import { createReadStream } from "node:fs";
import { StackyardError } from "@stackyard/core";

/** More than any file that can be right; what is right is judged by those who read the text. */
const MAX_FILE_BYTES = 16_777_216;

/** The text of a file of UTF-8, byte for byte; undefined: it is not there. Throws `CONFIG_INVALID`, which calls it `what`. */
export async function readTextFile(path: string, what: string): Promise<string | undefined> {
  const bytes = await readBytes(path).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw invalid(`${what} cannot be read: ${why}`, error);
  });
  if (bytes === undefined) return undefined;
  if (bytes.length > MAX_FILE_BYTES) throw invalid(`${what} has more than ${MAX_FILE_BYTES} bytes.`);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw invalid(`${what} is not UTF-8. Save it as UTF-8; load what is no text from a bucket.`, error);
  }
}

// A device has no end and no size: one byte more than the most tells.
async function readBytes(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(path, { end: MAX_FILE_BYTES })) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

function invalid(message: string, cause?: unknown): StackyardError {
  return new StackyardError("CONFIG_INVALID", message, { cause });
}
