import { isStackyardError } from "@stackyard/core";
import type { EcsTaskApp } from "./ecs-task-app.ts";
import type { Invocation } from "./invocation.ts";
import { sendAnswer } from "./send-answer.ts";
import { takeTurns } from "./take-turns.ts";
import { createTurnContext } from "./turn-context.ts";
import type { ClaimedWork } from "./work-store.ts";

/** What a state of the machine is told: whether the answer is known, else when to come again. */
export interface StepAnswer {
  readonly done: boolean;
  /** At least 1. */
  readonly waitSeconds: number;
}

const LOOK_AGAIN: StepAnswer = { done: false, waitSeconds: 5 };
const DONE: StepAnswer = { done: true, waitSeconds: 1 };

/**
 * Goes on with a request as far as it goes without waiting. Safe to call at any time and any number of times: what another
 * invocation works on is left to it.
 */
export async function advanceWork(
  { deps, definitions, store, newOwner }: EcsTaskApp,
  requestId: string,
  { invocation, sends }: { readonly invocation: Invocation; readonly sends: boolean },
): Promise<StepAnswer> {
  const result = await (await store()).claim(requestId, newOwner(), invocation.ttlMs);
  if (result.kind === "none") return DONE;
  if (result.kind === "held") return LOOK_AGAIN;
  const { claimed } = result;
  try {
    const context = createTurnContext({ deps, claimed, definitions, signal: invocation.signal });
    const end = await takeTurns(context);
    if (end.kind === "wait") return { done: false, waitSeconds: Math.max(1, Math.ceil(end.afterMs / 1_000)) };
    if (sends && claimed.work.phase !== "done") await sendAnswer(deps, claimed);
    return DONE;
  } catch (error) {
    if (isStackyardError(error, "RECORD_CONFLICT")) return LOOK_AGAIN;
    throw error;
  } finally {
    await release(claimed);
  }
}

/** Whoever has claimed the work meanwhile is right, and a claim that cannot be given back ends by itself. */
export async function release(claimed: ClaimedWork): Promise<void> {
  await claimed.release().catch(() => undefined);
}
