import { defined } from "@stackyard/core";
import type { OperationAnswer, StackDetails } from "@stackyard/sdk";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { toFailure, yard } from "../api/client.ts";
import { newEventId } from "../api/event-id.ts";
import { toOutcomeStatus } from "../api/status.ts";
import { type Tone, toneOf } from "../design/mark.tsx";
import { ErrorNotice } from "../design/page.tsx";
import { useToast } from "../design/toasts.tsx";
import { toSeenTask } from "../stack/actions/to-seen-task.ts";
import { toSafeText } from "../text/safe-text.ts";

/** Runs an operation on a stack and announces its outcome, also one that comes later. Throws what the request throws. */
export function useOperation(stackId: string): (name: string, run: () => Promise<OperationAnswer>) => Promise<void> {
  const toast = useToast();
  const client = useQueryClient();
  return async (name, run) => {
    const answer = await run();
    // The stream refreshes the stack too; a page whose stream is cut would show it as before for seconds.
    void client.invalidateQueries({ queryKey: ["stack", stackId] });
    if (answer.outcome !== "waiting") {
      return toast(toSentence(name, answer), answer.repeated ? "warn" : toTone(answer.outcome));
    }
    toast(`${name}: queued. The outcome follows.`, "wait");
    void followOutcome(answer).then(({ text, tone }) => toast(`${name}: ${text}`, tone));
  };
}

/** Retries one failed task of a stack, or all. `notice` shows why the last try failed. */
export function useRetry(stack: StackDetails) {
  const run = useOperation(stack.id);
  const [error, setError] = useState<unknown>();
  const retry = async (task?: string) => {
    setError(undefined);
    const name = task === undefined ? "Retry" : `Retry ${task}`;
    try {
      const { incarnation, entry } = stack;
      const seen = task === undefined ? { incarnation, entry } : toSeenTask(stack, task);
      await run(name, () => yard.stacks.retry(stack.id, { ...defined({ task }), seen, id: newEventId() }));
    } catch (thrown) {
      setError(thrown);
    }
  };
  return { retry, notice: error !== undefined && <ErrorNotice error={error} /> };
}

function toTone(outcome: Exclude<OperationAnswer["outcome"], "waiting">): Tone {
  return toneOf(toOutcomeStatus(outcome));
}

function toSentence(name: string, { outcome, code, reason, notes, repeated }: OperationAnswer): string {
  if (repeated) return toSafeText(`${name}: ${outcome} before, by the same request. Nothing was done now.`);
  const why = [code, reason, ...notes].filter((part) => part !== undefined).join(" · ");
  return toSafeText(`${name}: ${outcome}${why === "" ? "" : ` · ${why}`}`);
}

const OUTCOME_MS = 10 * 60_000;

async function followOutcome({ eventId, stackId }: OperationAnswer): Promise<{ text: string; tone: Tone }> {
  try {
    const { outcome } = await yard.waitForOutcome({ eventId, stackId }, { timeoutMs: OUTCOME_MS });
    return { text: outcome, tone: toTone(outcome) };
  } catch (error) {
    return { text: toSafeText(toFailure(error).detail), tone: "fail" };
  }
}
