import type { Files } from "./to-zip.ts";

const BLOCK = 512;
/** 2020-01-01, as seconds: some programs refuse files of 1970. */
const MTIME = 1_577_836_800;

/**
 * Returns a tar archive (POSIX ustar) whose bytes depend on paths and contents only: sorted, one mode, one time, no owner. Paths
 * are relative and at most 100 bytes long.
 */
export function toTar(files: Files): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const path of [...files.keys()].sort()) {
    const content = files.get(path) ?? new Uint8Array();
    parts.push(toHeader(path, content.length), content, new Uint8Array(-content.length & (BLOCK - 1)));
  }
  return Buffer.concat([...parts, new Uint8Array(2 * BLOCK)]);
}

function toHeader(path: string, size: number): Uint8Array {
  const isPlain = /^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/.test(path) && path.length <= 100;
  if (!isPlain) throw new Error(`"${path}" is not a valid path in a tar archive.`);
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    header.write(value.toString(8).padStart(length - 1, "0"), at);
  header.write(path, 0);
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(MTIME, 136, 12);
  header.fill(" ", 148, 156);
  header.write("0", 156);
  header.write("ustar\u000000", 257);
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return header;
}
