/** Returns what is wrong with the current folder; undefined when it exists. A shell stays in a folder that something has removed. */
export function findFolderProblem(cwd: () => string): string | undefined {
  try {
    cwd();
    return undefined;
  } catch {
    return "error ENOENT The current folder does not exist any more.\nChange to another one, or make it again and enter it with `cd`.";
  }
}
