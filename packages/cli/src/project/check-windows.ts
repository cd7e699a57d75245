import { join } from "node:path";
import { isMap } from "@stackyard/core";
import type { Problem } from "@stackyard/core/machine";
import { type CalendarFiles, createCalendarFolder } from "@stackyard/core/services";
import type { MachineFileReport } from "./executors.ts";

/**
 * Returns the reports with an error for each `window` whose calendar is not in the folder `calendars` of the project: a
 * release would wait for it until its time is over.
 */
export function markUnknownCalendars(
  reports: readonly MachineFileReport[],
  projectDir: string,
): Promise<readonly MachineFileReport[]> {
  const calendars = createCalendarFolder(join(projectDir, "calendars"));
  return Promise.all(
    reports.map(async (report) => {
      const problems = await listUnknown(report, calendars);
      return problems.length === 0
        ? report
        : { ...report, machine: undefined, problems: [...problems, ...report.problems] };
    }),
  );
}

async function listUnknown({ machine }: MachineFileReport, calendars: CalendarFiles): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const [task, { executor, definition }] of machine?.tasks ?? []) {
    const { config } = definition;
    const name = executor === "deploy" && isMap(config) ? config["window"] : undefined;
    if (typeof name !== "string" || (await calendars.read(name)) !== undefined) continue;
    const path = `tasks.${task}.config.window`;
    const message = `Unknown calendar "${name}". Add calendars/${name}.yaml to the project, or correct the name.`;
    problems.push({ severity: "error", code: "calendar-unknown", path, line: 1, column: 1, message });
  }
  return problems;
}
