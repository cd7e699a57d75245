import { stripVTControlCharacters } from "node:util";
import { isStackyardError } from "@stackyard/core";
import { parseDuration } from "@stackyard/core/machine";
import type { Run } from "@stackyard/sdk/runs";
import type { EcsContext } from "./ecs-command.ts";

/**
 * Waits for the end of a run and tells how far it is. Throws `TIMED_OUT` and `INTERRUPTED`: the run goes on then, and people
 * are told how to get back to it.
 */
export async function followRun(
  { runs, out, signal, pollMs }: EcsContext,
  runId: string,
  { giveUpAfter }: { readonly giveUpAfter?: string },
): Promise<Run> {
  const timeoutMs = giveUpAfter === undefined ? undefined : parseDuration(giveUpAfter);
  let last = "";
  const onLook = (run: Run) => {
    const line = tellProgress(run);
    if (line !== last)
      out.progress({ kind: "progress", runId, state: run.state, message: run.message ?? null }, () => line);
    last = line;
  };
  try {
    return await runs.wait(runId, {
      ...{ signal, onLook },
      ...(pollMs === undefined ? {} : { pollMs }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  } catch (error) {
    if (isStackyardError(error, "TIMED_OUT") || isStackyardError(error, "INTERRUPTED")) {
      out.note(`The run goes on. Look again: stackyard ecs logs ${runId} --follow`);
    }
    throw error;
  }
}

function tellProgress({ runId, state, message = "", cancelling }: Run): string {
  const line = stripVTControlCharacters(message).replaceAll(/\s+/g, " ").trim();
  return `${runId}  ${cancelling === true ? "being cancelled" : state}  ${line}`.trimEnd();
}
