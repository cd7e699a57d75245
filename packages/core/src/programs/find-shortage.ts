/** What is missing when a program cannot be started, by the code of the system. A retry may start it. */
const SHORTAGES: ReadonlyMap<unknown, string> = new Map([
  ["EMFILE", "This process has no free file descriptors. Raise its limit (ulimit -n), or lower the worker's capacity."],
  ["ENFILE", "The system has no free file descriptors. Raise fs.file-max, or lower the worker's capacity."],
  ["EAGAIN", "The system cannot start more processes. Raise the limit (ulimit -u), or lower the worker's capacity."],
  ["ENOMEM", "The system has no free memory. Lower the worker's capacity."],
]);

/** Returns what the system lacks, and what to do, if it could not start a program for that reason. */
export function findShortage(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? SHORTAGES.get(error.code) : undefined;
}
