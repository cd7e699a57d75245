import { readFileSync } from "node:fs";

/** The known processes that have started this one. */
interface ParentInput {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The parent, and its parent where the system shows it. Changes when one of them has ended. */
  readonly listParents?: () => readonly number[];
  readonly everyMs?: number;
}

const EVERY_MS = 1_000;

/**
 * Calls `onLost` once when npm or npx has started this process and has ended since: npm passes a signal on to the shell
 * between them, which ends without a word to this process, and a server would keep its port and its store. Other parents may
 * end, as that of a service does. Returns a function that stops watching.
 */
export function watchParent(
  onLost: () => void,
  { env, listParents = listOwnParents, everyMs = EVERY_MS }: ParentInput,
) {
  if (!/\bstackyard\b/.test(env["npm_lifecycle_script"] ?? "")) return () => {};
  const first = listParents().join();
  const timer = setInterval(() => {
    if (listParents().join() === first) return;
    clearInterval(timer);
    onLost();
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

function listOwnParents(): readonly number[] {
  const { ppid } = process;
  const next = findParentOf(ppid);
  return next === undefined ? [ppid] : [ppid, next];
}

/** Returns the parent of a process, by `/proc` of Linux: the second field after the name, which is in brackets. */
function findParentOf(pid: number): number | undefined {
  try {
    const [, parent] = /^.*\) \S (\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return parent === undefined ? undefined : Number(parent);
  } catch {
    return undefined;
  }
}
