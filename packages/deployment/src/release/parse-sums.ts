import { StackyardError } from "@stackyard/core";

const LINE = /^([0-9a-f]{64}) [ *]([A-Za-z0-9][A-Za-z0-9._-]{0,200})$/;

/**
 * The SHA-256 sums of files by name, from a `SHA256SUMS` as `sha256sum` writes it. Names are plain: a path that leads out of
 * the folder is no line. Throws `CONFIG_INVALID` with the number of the line.
 */
export function parseSums(text: string): ReadonlyMap<string, string> {
  const sums = new Map<string, string>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line === "") continue;
    const [, sum, name] = LINE.exec(line) ?? [];
    if (sum === undefined || name === undefined) {
      throw new StackyardError("CONFIG_INVALID", `Line ${index + 1} of SHA256SUMS is no sum and plain file name.`);
    }
    sums.set(name, sum);
  }
  return sums;
}
