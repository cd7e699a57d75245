import { access, constants, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";

/** Returns the path of a program that PATH contains, or of an absolute one that exists. */
export async function findInPath(binary: string, path: string): Promise<string | undefined> {
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  const candidates = isAbsolute(binary) ? [binary] : folders.map((folder) => join(folder, binary));
  for (const candidate of candidates) {
    const usable = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable && (await stat(candidate)).isFile()) return candidate;
  }
  return undefined;
}
