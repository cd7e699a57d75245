import { StackyardError } from "@stackyard/core";
import type { ReportHost } from "./report-host.ts";

/**
 * Returns a host that is written to only while `confirm` returns true: a server that was paused would write again what
 * another one has written meanwhile, and an older state over a newer one. Each call throws `RECORD_CONFLICT` otherwise. A
 * request that is on its way cannot be held back.
 */
export function guardReports(reports: ReportHost, confirm: () => Promise<boolean>): ReportHost {
  const guard = <Input extends readonly unknown[], Result>(write: (...input: Input) => Promise<Result>) => {
    return async (...input: Input): Promise<Result> => {
      if (await confirm()) return write(...input);
      throw new StackyardError("RECORD_CONFLICT", "Another server has this report, so nothing more was written.");
    };
  };
  return {
    countsByName: reports.countsByName,
    findBudget: reports.findBudget,
    listOwnComments: reports.listOwnComments,
    findCheck: reports.findCheck,
    findDeployment: reports.findDeployment,
    createComment: guard(reports.createComment),
    updateComment: guard(reports.updateComment),
    deleteComment: guard(reports.deleteComment),
    createCheck: guard(reports.createCheck),
    updateCheck: guard(reports.updateCheck),
    createDeployment: guard(reports.createDeployment),
    setDeployment: guard(reports.setDeployment),
    react: guard(reports.react),
  };
}
