import { decideWork } from "./decide-work.ts";
import { endWork } from "./end-work.ts";
import { toProgress, type WorkPhase, type WorkProgress } from "./progress.ts";
import { awaitHealth, recordStart, startWork } from "./start-work.ts";
import { stopWork } from "./stop-work.ts";
import { isAwsError, isPassingTrouble, meetTrouble, toTrouble } from "./trouble.ts";
import type { Turn, TurnContext } from "./turn.ts";
import { watchWork } from "./watch-work.ts";

/** The work of a phase. */
interface PhaseWork {
  readonly work: (context: TurnContext) => Promise<Turn>;
  /** The purpose of its AWS calls, for errors. */
  readonly what: string;
}

/**
 * The phases. A Create and an Update begin with `decide`, and go down to `wait`; a failure leads to `end` from each of them,
 * once tasks may run. A Delete is `stop`. Each may be the last one: its turn then has the response.
 */
const PHASES: Readonly<Record<WorkPhase, PhaseWork>> = {
  decide: { work: decideWork, what: "A look at what is to run" },
  health: { work: awaitHealth, what: "A look at the target group" },
  start: { work: startWork, what: "The start of the tasks" },
  record: { work: recordStart, what: "The record of the run" },
  wait: { work: watchWork, what: "A look at the tasks" },
  end: { work: endWork, what: "The stop of the tasks" },
  stop: { work: stopWork, what: "The stop of the tasks" },
};

/** The answer of a step to the state machine: the progress, which it stores, and what follows. */
export interface StepResult {
  readonly progress: WorkProgress;
  readonly next: "step" | "wait" | "answer";
  /** At least 1. */
  readonly waitSeconds: number;
}

/**
 * Takes one step of a request. Whatever it must not forget, it returns before it acts on it: a step that is repeated
 * after a crash gets the same progress. Handles errors of AWS and of the records; throws others.
 */
export async function takeStep(context: TurnContext): Promise<StepResult> {
  const before = toProgress(context.work);
  if (before.response !== undefined) return { progress: before, next: "answer", waitSeconds: 1 };
  context.signal.throwIfAborted();
  const turn = await takeTurn(context, PHASES[before.phase]);
  const progress = { ...before, troubledSince: undefined, ...turn.changes };
  if (progress.response !== undefined) return { progress, next: "answer", waitSeconds: 1 };
  if (turn.kind === "next") return { progress, next: "step", waitSeconds: 1 };
  return { progress, next: "wait", waitSeconds: Math.max(1, Math.ceil(turn.afterMs / 1_000)) };
}

async function takeTurn(context: TurnContext, { work, what }: PhaseWork): Promise<Turn> {
  try {
    return await work(context);
  } catch (error) {
    if (!(isAwsError(error) || isPassingTrouble(error)) || context.signal.aborted) throw error;
    return meetTrouble(context, toTrouble(context, error, what));
  }
}
