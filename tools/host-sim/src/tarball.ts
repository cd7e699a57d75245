import { gzipSync } from "node:zlib";
import { Header } from "tar";

/** An entry of an archive, as hostile as a test wants it. */
export interface TarEntry {
  readonly path: string;
  readonly content?: string;
  /** Makes the entry a symbolic link. */
  readonly linkTo?: string;
}

const BLOCK = 512;

/** Returns a tar archive, compressed with gzip. */
export function toTarball(entries: readonly TarEntry[]): Uint8Array {
  const parts = entries.flatMap(({ path, content = "", linkTo }) => {
    const body = Buffer.from(content);
    const header = new Header({
      path,
      mode: 0o644,
      size: body.length,
      type: linkTo === undefined ? "File" : "SymbolicLink",
      linkpath: linkTo ?? "",
      mtime: new Date(0),
    });
    header.encode();
    return [header.block ?? Buffer.alloc(0), body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)];
  });
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]));
}
