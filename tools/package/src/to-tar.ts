import type { Files } from "./to-zip.ts";

const BLOCK = 512;
/** 2020-01-01, as seconds: some programs refuse files of 1970. */
const MTIME = 1_577_836_800;

/**
 * Returns a tar archive (POSIX ustar) whose bytes depend on paths and contents only: sorted, one mode, one time, no owner. Paths
 * are relative; their last 100 bytes begin with a name.
 */
export function toTar(files: Files): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const path of [...files.keys()].sort()) {
    const content = files.get(path) ?? new Uint8Array();
    parts.push(toHeader(path, content.length), content, new Uint8Array(-content.length & (BLOCK - 1)));
  }
  return Buffer.concat([...parts, new Uint8Array(2 * BLOCK)]);
}

/** Names that every system and npm take as they are; none begins with a dot, so none leads elsewhere. */
const PLAIN = /^[A-Za-z0-9_@][A-Za-z0-9._@+-]*(\/[A-Za-z0-9_@][A-Za-z0-9._@+-]*)*$/;

/** Splits a path as ustar does: at most 100 bytes of a name, below at most 155 bytes of folders. */
function splitPath(path: string): readonly [folders: string, name: string] {
  const at = path.length <= 100 ? -1 : path.indexOf("/", path.length - 101);
  const parts = [path.slice(0, Math.max(at, 0)), path.slice(at + 1)] as const;
  if (!PLAIN.test(path) || (path.length > 100 && at < 0) || parts[0].length > 155)
    throw new Error(`"${path}" is not a valid path in a tar archive.`);
  return parts;
}

function toHeader(path: string, size: number): Uint8Array {
  const [folders, name] = splitPath(path);
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    header.write(value.toString(8).padStart(length - 1, "0"), at);
  header.write(name, 0);
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(MTIME, 136, 12);
  header.fill(" ", 148, 156);
  header.write("0", 156);
  header.write("ustar\u000000", 257);
  header.write(folders, 345);
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return header;
}
