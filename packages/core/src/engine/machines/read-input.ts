import { constants, openSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { Socket } from "node:net";

/**
 * Reads a file that a person has named, as UTF-8. It may be a pipe, such as `<(…)` of a shell or `/dev/stdin`. A pipe without a writer
 * is waited for without a thread: one that is blocked in `open` keeps Node from ending, at every signal but SIGKILL. Throws the errors
 * of the file system as they are, and the reason of the signal.
 */
export async function readInput(path: string, signal?: AbortSignal): Promise<string> {
  if (!(await stat(path)).isFIFO()) return readFile(path, { encoding: "utf8", ...(signal && { signal }) });
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const pipe = new Socket({ fd, readable: true, writable: false, ...(signal && { signal }) });
  pipe.setEncoding("utf8");
  let text = "";
  for await (const chunk of pipe) text += chunk;
  return text;
}
