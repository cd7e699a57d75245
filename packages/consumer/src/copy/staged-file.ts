import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";

/** Bytes on the disk that nobody else may read. */
export interface StagedFile {
  readonly size: number;
  readonly sha256: string;
  readBytes(): Promise<Uint8Array>;
  /** Anew at each call. */
  stream(): Readable;
  remove(): Promise<void>;
}

/** A folder for staged files, which is removed in any case. `under`: such as the system's folder for temporary files. */
export async function withFolder<Result>(under: string, work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(under, "stackyard-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes bytes to a new file, digesting them on the way. `whole`: a digest over several files, taken along. */
export async function stageFile(path: string, bytes: AsyncIterable<Uint8Array>, whole?: Hash): Promise<StagedFile> {
  const hash = createHash("sha256");
  let size = 0;
  const file = await open(path, "wx", 0o600);
  try {
    for await (const chunk of bytes) {
      size += chunk.byteLength;
      hash.update(chunk);
      whole?.update(chunk);
      await file.appendFile(chunk);
    }
  } finally {
    await file.close();
  }
  return {
    size,
    sha256: hash.digest("hex"),
    readBytes: () => readFile(path),
    stream: () => createReadStream(path),
    remove: () => rm(path, { force: true }),
  };
}
