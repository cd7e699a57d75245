import { toAwsFailure } from "../to-aws-failure.ts";
import { awaitHealth } from "./await-health.ts";
import { decideWork } from "./decide-work.ts";
import { endWork } from "./end-work.ts";
import { meetTrouble } from "./finish-work.ts";
import { isAwsError } from "./is-aws-error.ts";
import { startWork } from "./start-work.ts";
import { stopWork } from "./stop-work.ts";
import type { WorkPhase } from "./task-work.ts";
import type { Turn, TurnContext } from "./turn.ts";
import { watchWork } from "./watch-work.ts";

/** Where the work stands after some turns: the answer is known, or it is to be gone on with after a while. */
export type TurnsEnd = { readonly kind: "answer" } | { readonly kind: "wait"; readonly afterMs: number };

type Work = (context: TurnContext) => Promise<Turn>;

const TURNS: Readonly<Record<Exclude<WorkPhase, "answer" | "done">, Work>> = {
  decide: decideWork,
  health: awaitHealth,
  start: startWork,
  wait: watchWork,
  end: endWork,
  stop: stopWork,
};
/** What each phase asks AWS for, in errors. */
const DEEDS: Readonly<Record<keyof typeof TURNS, string>> = {
  decide: "A look at what is to run",
  health: "A look at the target group",
  start: "The start of the tasks",
  wait: "A look at the tasks",
  end: "The stop of the tasks",
  stop: "The stop of the tasks",
};

/**
 * Goes on with the work as far as it goes without waiting. Each turn ends with a note of what it has come to, so that
 * whoever comes next begins there. Errors of AWS are met; others fly.
 */
export async function takeTurns(context: TurnContext): Promise<TurnsEnd> {
  for (;;) {
    const { phase } = context.work;
    if (phase === "answer" || phase === "done") return { kind: "answer" };
    context.signal.throwIfAborted();
    const turn = await takeTurn(context, phase);
    await context.save({ troubledSince: undefined, ...turn.changes });
    if (turn.kind === "wait") return { kind: "wait", afterMs: turn.afterMs };
  }
}

async function takeTurn(context: TurnContext, phase: keyof typeof TURNS): Promise<Turn> {
  try {
    return await TURNS[phase](context);
  } catch (error) {
    if (!isAwsError(error) || context.signal.aborted) throw error;
    return meetTrouble(context, toAwsFailure(error, DEEDS[phase]));
  }
}
