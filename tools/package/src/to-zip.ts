import { type Zippable, zipSync } from "fflate";

/** Contents of files by path. */
export type Files = ReadonlyMap<string, Uint8Array>;

const MADE_BY_UNIX = 3;
/** A plain file that everybody may read: `-rw-r--r--` in the upper half of the attributes. Lambda needs no more. */
const MODE = 0o100644 * 2 ** 16;

/**
 * Returns a zip whose bytes depend on names and contents only: sorted, one mode, one time, and a compressor in
 * JavaScript, for that of Node changes from version to version. Paths must be relative and stay inside. Files of the
 * same content give the same zip.
 */
export function toZip(files: Files): Uint8Array {
  const paths = [...files.keys()].sort();
  for (const path of paths) checkPath(path);
  // Zips know local time only, from 1980 on. Made of parts, it is the same in every time zone.
  const mtime = new Date(1980, 0, 1);
  const content: Zippable = {};
  for (const path of paths) content[path] = [files.get(path) ?? new Uint8Array(), { mtime }];
  return zipSync(content, { level: 9, os: MADE_BY_UNIX, attrs: MODE });
}

function checkPath(path: string): void {
  // Names of digits only would come first in any object, whatever the order.
  const isPlain = /^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/.test(path) && !/^\d+$/.test(path);
  if (!isPlain) throw new Error(`"${path}" is not a valid path in a zip.`);
}
