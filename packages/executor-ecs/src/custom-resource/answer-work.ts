import { redactText } from "@stackyard/aws";
import { StackyardError, silentLogger } from "@stackyard/core";
import { release } from "./advance-work.ts";
import type { EcsTaskApp } from "./ecs-task-app.ts";
import { stopAll } from "./end-work.ts";
import { toEnd, type WorkEnd } from "./finish-work.ts";
import { toResourceId } from "./identity.ts";
import type { Invocation } from "./invocation.ts";
import { sendAnswer } from "./send-answer.ts";
import type { TaskWork } from "./task-work.ts";
import type { TurnContext } from "./turn.ts";
import { createTurnContext } from "./turn-context.ts";
import type { ClaimedWork } from "./work-store.ts";

const MAX_CAUSE = 1_000;

interface Stopped {
  readonly fault: string | undefined;
  readonly changes: Partial<TaskWork>;
}

const NOTHING_TO_STOP: Stopped = { fault: undefined, changes: {} };

/**
 * Answers a request that nobody works on any more, unless it is answered: with what was noted, or else as failed, after its
 * tasks were stopped. Throws while another invocation works on it, so that the caller comes again.
 */
export async function answerWork(
  app: EcsTaskApp,
  requestId: string,
  { invocation, cause }: { readonly invocation: Invocation; readonly cause?: string | undefined },
): Promise<{ readonly answered: boolean }> {
  const { deps, store, newOwner } = app;
  const result = await (await store()).claim(requestId, newOwner(), invocation.ttlMs);
  if (result.kind === "none") {
    deps.logger?.error("Nothing is known of the request, so it cannot be answered.", { requestId });
    return { answered: false };
  }
  if (result.kind === "held") throw new StackyardError("RECORD_CONFLICT", "Another invocation works on the request.");
  const { claimed } = result;
  try {
    if (claimed.work.phase === "done") return { answered: true };
    if (claimed.work.response === undefined) await giveUp(app, claimed, { invocation, cause });
    await sendAnswer(deps, claimed);
    return { answered: true };
  } finally {
    await release(claimed);
  }
}

/** Notes the failure as the answer. Tasks are stopped as well as it goes: an answer is more urgent. */
async function giveUp(
  { deps, definitions }: EcsTaskApp,
  claimed: ClaimedWork,
  { invocation, cause }: { readonly invocation: Invocation; readonly cause?: string | undefined },
): Promise<void> {
  const context = createTurnContext({ deps, claimed, definitions, signal: invocation.signal });
  const { taskArns, intendedAt, failure, request } = claimed.work;
  const mayRun = request.RequestType !== "Delete" && (taskArns.length > 0 || intendedAt !== undefined);
  const { fault, changes } = mayRun ? await stopAsFarAsPossible(context) : NOTHING_TO_STOP;
  const text = failure?.text ?? `The work was given up: ${cause ?? "its execution ended before"}.`;
  const end = {
    status: "FAILED",
    code: failure?.code ?? "ECS_AWS_ERROR",
    why: mayRun ? "RUN" : "",
    text: fault === undefined ? text : `${text} Tasks may still run: ${fault}.`,
    exitCode: failure?.exitCode,
  } satisfies WorkEnd;
  const response = toEnd({ ...context, work: { ...context.work, ...changes } }, end);
  await claimed.save({ ...changes, phase: "answer", response });
  (deps.logger ?? silentLogger).error("The work was given up.", {
    requestId: request.RequestId,
    cause: end.text,
    id: toResourceId(request),
  });
}

/** Also finds the tasks that nobody had noted: whoever reads the answer must know that they ran. */
async function stopAsFarAsPossible(context: TurnContext): Promise<Stopped> {
  try {
    const { changes } = await stopAll(context);
    return { fault: undefined, changes };
  } catch (error) {
    return { fault: toCause(error), changes: {} };
  }
}

/** An error as an answer may tell it: its name and its message, and no address. */
export function toCause(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return redactText(text).slice(0, MAX_CAUSE);
}
