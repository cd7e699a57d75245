import { createSqliteStore } from "@stackyard/store-sqlite";
import type { ChainPlan } from "./chain-machine.ts";
import { forkProgram } from "./cluster.ts";
import { type CrashFindings, inspectYard } from "./inspect-yard.ts";
import { type Death, liveAndDie } from "./live-and-die.ts";

/** How a yard is tormented. */
export interface CrashTestInput extends ChainPlan {
  readonly folder: string;
  /** Bounds of the time that a process lives once it is ready, in milliseconds. */
  readonly lifeMs: readonly [number, number];
  /** After so many kills the last process is left alone. */
  readonly kills: number;
  /** The whole test gives up after this. */
  readonly limitMs: number;
  /** Called after each kill. */
  readonly onKill?: (count: number) => void;
}

/** What came out. All counts but those of kills must be zero, and no process may have ended by itself. */
export interface CrashTestResult extends CrashFindings {
  readonly kills: number;
  /** Those of them that came before the process was ready. */
  readonly killsAtStart: number;
  /** How processes ended by themselves, which none may do before its work is done. */
  readonly ownExits: readonly string[];
}

// No start is over so soon.
const FIRST_START_MS = 20;

/** Runs the yard in processes that are killed at random instants, until every stack is through, and looks for damage. */
export async function runCrashTest(input: CrashTestInput): Promise<CrashTestResult> {
  const endAt = Date.now() + input.limitMs;
  const counts = { kills: 0, killsAtStart: 0 };
  const ownExits: string[] = [];
  let startMs = FIRST_START_MS;
  for (;;) {
    const death = counts.kills < input.kills ? drawDeath(input.lifeMs, counts.kills, startMs) : undefined;
    const yard = forkProgram("yard-process.ts", input.folder, String(input.stacks), String(input.transitions));
    const ending = await liveAndDie(yard, { ...(death && { death }), limitMs: endAt - Date.now() });
    startMs = ending.startMs ?? startMs;
    if (ending.kind === "own") ownExits.push(ending.how);
    // What ends by itself would do so again and again.
    if (ending.kind !== "killed") break;
    counts.kills += 1;
    if (ending.startMs === undefined) counts.killsAtStart += 1;
    input.onKill?.(counts.kills);
  }
  return { ...counts, ownExits, ...(await inspect(input)) };
}

/**
 * Draws a death: every third process dies while it opens its store and sends its events; the first one while it
 * migrates.
 */
function drawDeath(lifeMs: readonly [number, number], kills: number, startMs: number): Death {
  if (kills % 3 === 0) return { after: "opening", ms: draw([0, startMs]) };
  return { after: "ready", ms: draw(lifeMs) };
}

async function inspect(input: CrashTestInput): Promise<CrashFindings> {
  const store = await createSqliteStore({ folder: input.folder });
  try {
    return await inspectYard(store, input.folder, input);
  } finally {
    await store.close();
  }
}

function draw([least, most]: readonly [number, number]): number {
  return least + Math.random() * (most - least);
}
