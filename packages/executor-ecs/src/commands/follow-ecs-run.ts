import { stripVTControlCharacters } from "node:util";
import { createProgressTeller, followRun, type RunsContext } from "@stackyard/sdk/commands";
import type { Run } from "@stackyard/sdk/runs";

/** Waits for the end of a run and tells how far it is. Throws `TIMED_OUT` and `INTERRUPTED`: the run goes on then. */
export function followEcsRun(
  context: RunsContext,
  runId: string,
  { giveUpAfter }: { readonly giveUpAfter?: string },
): Promise<Run> {
  const tell = createProgressTeller(context.out);
  return followRun(context, runId, {
    onLook: (run) => tell(run, tellProgress(run), { message: run.message ?? null }),
    hint: `Look again: stackyard ecs logs ${runId} --follow`,
    ...(giveUpAfter === undefined ? {} : { giveUpAfter }),
  });
}

function tellProgress({ runId, state, message = "", cancelling }: Run): string {
  const line = stripVTControlCharacters(message).replaceAll(/\s+/g, " ").trim();
  return `${runId}  ${cancelling === true ? "being cancelled" : state}  ${line}`.trimEnd();
}
