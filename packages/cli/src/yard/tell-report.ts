import type { Output } from "../shell/output.ts";
import type { TaskReport } from "./start-process.ts";

/** Shows the lines that running tasks report. */
export function createTellReport(out: Output): (report: TaskReport) => void {
  return ({ stackId, task, line }) =>
    out.progress({ kind: "report", stackId, task, line }, () => `${stackId} ${task}: ${line}`);
}
