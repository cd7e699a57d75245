import { constants, openSync } from "node:fs";
import { readFile, readlink, stat } from "node:fs/promises";
import { Socket } from "node:net";
import { basename } from "node:path";
import { StackyardError } from "../../errors/stackyard-error.ts";

/**
 * Reads a file that a person has named, as UTF-8. It may be a pipe, such as `<(…)` of a shell or `/dev/stdin`. A pipe without a writer
 * is waited for without a thread: one that is blocked in `open` keeps Node from ending, at every signal but SIGKILL. Throws the errors
 * of the file system as they are, the reason of the signal, and `CONFIG_INVALID` for a path that was found but leads nowhere.
 */
export async function readInput(path: string, signal?: AbortSignal): Promise<string> {
  const found = await stat(path).catch(async (error: unknown) => {
    throw (await findFault(path)) ?? error;
  });
  if (!found.isFIFO()) return readFile(path, { encoding: "utf8", ...(signal && { signal }) });
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const pipe = new Socket({ fd, readable: true, writable: false, ...(signal && { signal }) });
  pipe.setEncoding("utf8");
  let text = "";
  for await (const chunk of pipe) text += chunk;
  return text;
}

async function findFault(path: string): Promise<StackyardError | undefined> {
  // Node reads names of files as UTF-8, and cannot open what it has read in another encoding.
  if (basename(path).includes("\uFFFD")) {
    return new StackyardError("CONFIG_INVALID", `The name of the file ${path} is not UTF-8. Rename it.`);
  }
  const target = await readlink(path).catch(() => undefined);
  if (target === undefined) return undefined;
  return new StackyardError("CONFIG_INVALID", `${path} is a link to ${target}, which cannot be reached. Correct it.`);
}
