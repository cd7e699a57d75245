import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** The messages of a yard's process. */
export type Stage = "opening" | "ready" | "done";

/** When a process is killed: so long after it has come to a stage. */
export interface Death {
  readonly after: Stage;
  readonly ms: number;
}

/** How a process ended. */
export interface Ending {
  /** `done`: its work is done. `killed`: by us. `over`: by us, because the time of the whole test was. `own`: by itself. */
  readonly kind: "done" | "killed" | "over" | "own";
  /** With which code or signal, and what it said last. */
  readonly how: string;
  /** From `opening` to `ready`; absent when it did not come so far. */
  readonly startMs?: number;
}

const WORDS_KEPT = 2_000;

/** Lets a process live until its death, its own end, or the limit. Its messages are stages. */
export async function liveAndDie(
  child: ChildProcess,
  { death, limitMs }: { readonly death?: Death; readonly limitMs: number },
): Promise<Ending> {
  const stages = new Map<unknown, number>();
  let killed: "killed" | "over" | undefined;
  const kill = (why: "killed" | "over") => {
    if (child.kill("SIGKILL")) killed ??= why;
  };
  const timers = [setTimeout(() => kill("over"), Math.max(0, limitMs))];
  child.on("message", (stage) => {
    stages.set(stage, Date.now());
    if (stage === death?.after) timers.push(setTimeout(() => kill("killed"), death.ms));
  });
  const said = keepLastWords(child);
  const [code, signal] = await once(child, "close");
  for (const timer of timers) clearTimeout(timer);
  const [openedAt, readyAt] = [stages.get("opening"), stages.get("ready")];
  return {
    kind: toKind({ isDone: stages.has("done"), code, killed: signal === "SIGKILL" ? killed : undefined }),
    how: `${signal ?? `code ${code}`} ${said()}`.trim(),
    ...(openedAt !== undefined && readyAt !== undefined && { startMs: readyAt - openedAt }),
  };
}

function toKind({ isDone, code, killed }: { isDone: boolean; code: unknown; killed: "killed" | "over" | undefined }) {
  if (isDone && (code === 0 || killed !== undefined)) return "done";
  return killed ?? "own";
}

/** Keeps the end of what a process says on its error output. */
export function keepLastWords(child: ChildProcess): () => string {
  let words = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-WORDS_KEPT);
  });
  return () => words.trim();
}
