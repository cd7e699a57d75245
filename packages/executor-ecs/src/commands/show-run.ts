import type { RunsContext } from "@stackyard/sdk/commands";
import type { Run } from "@stackyard/sdk/runs";

/** Prints a run with what it has logged, as one object with `--json`. */
export async function showRun({ runs, out, signal }: RunsContext, run: Run): Promise<void> {
  const log = await runs.log(run.runId, { signal });
  out.result({ run, log }, () => [log, tellRun(run)].filter((part) => part !== "").join("\n\n"));
}

/** How a run stands, and the exit codes and addresses that it gave, in a few lines. */
export function tellRun({ runId, state, error, message, outputs = {} }: Run): string {
  const facts = Object.entries(outputs)
    .filter(([name, value]) => name !== "taskArns" && typeof value !== "object")
    .map(([name, value]) => `  ${name}  ${String(value)}`);
  if (error !== undefined) return [`Run ${runId} has failed, ${error.code}: ${error.message}`, ...facts].join("\n");
  if (state === "succeeded" || state === "cancelled") {
    return [`Run ${runId} ${state === "succeeded" ? "has succeeded" : "was cancelled"}.`, ...facts].join("\n");
  }
  return `Run ${runId} is ${state}. ${message ?? ""}`.trimEnd();
}
