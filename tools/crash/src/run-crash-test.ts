import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createSqliteStore } from "@stackyard/store-sqlite";
import type { ChainPlan } from "./chain-machine.ts";
import { type CrashFindings, inspectYard } from "./inspect-yard.ts";

/** How a yard is tormented. */
export interface CrashTestInput extends ChainPlan {
  readonly folder: string;
  /** Bounds of the time that a process lives, in milliseconds. */
  readonly lifeMs: readonly [number, number];
  /** After so many kills the last process is left alone. */
  readonly kills: number;
  /** The whole test gives up after this. */
  readonly limitMs: number;
  /** Called after each kill. */
  readonly onKill?: (count: number) => void;
}

/** What came out. All counts but `kills` must be zero. */
export interface CrashTestResult extends CrashFindings {
  readonly kills: number;
}

/** Runs the yard in processes that are killed at random instants, until every stack is through, and looks for damage. */
export async function runCrashTest(input: CrashTestInput): Promise<CrashTestResult> {
  const endAt = Date.now() + input.limitMs;
  let kills = 0;
  for (let done = false; !done; ) {
    if (Date.now() > endAt) break;
    const child = startYard(input);
    const mayKill = kills < input.kills;
    done = await liveAndDie(child, mayKill ? drawLife(input.lifeMs) : endAt - Date.now());
    if (!done && mayKill) {
      kills += 1;
      input.onKill?.(kills);
    }
  }
  return { kills, ...(await inspect(input)) };
}

async function inspect(input: CrashTestInput): Promise<CrashFindings> {
  const store = await createSqliteStore({ folder: input.folder });
  try {
    return await inspectYard(store, input.folder, input);
  } finally {
    await store.close();
  }
}

function startYard({ folder, stacks, transitions }: CrashTestInput): ChildProcess {
  const program = join(import.meta.dirname, "yard-process.ts");
  return fork(program, [folder, String(stacks), String(transitions)], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
}

/** True when the process finished its work before its time was over; else it was killed. */
async function liveAndDie(child: ChildProcess, lifeMs: number): Promise<boolean> {
  let done = false;
  const exited = once(child, "exit");
  child.on("message", (message) => {
    if (message === "done") done = true;
  });
  // The start takes a while on a busy machine; only what comes after it is worth killing.
  const ready = new Promise<void>((resolve) => child.once("message", () => resolve()));
  await Promise.race([ready, exited]);
  const timer = setTimeout(() => child.kill("SIGKILL"), lifeMs);
  await exited;
  clearTimeout(timer);
  return done;
}

function drawLife([least, most]: readonly [number, number]): number {
  return least + Math.random() * (most - least);
}
