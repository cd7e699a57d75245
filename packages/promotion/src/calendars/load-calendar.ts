import { type ExecutorContext, toShellCommand } from "@stackyard/core";
import { CALENDAR_FILES, CALENDAR_NAME } from "@stackyard/core/services";
import { type Calendar, parseCalendar } from "./calendar.ts";

/** Loads a calendar by its name. Throws an error that says what to do. */
export async function loadCalendar({ service }: Pick<ExecutorContext, "service">, name: string): Promise<Calendar> {
  const path = `calendars/${name}.yaml`;
  if (!CALENDAR_NAME.test(name)) throw new Error(`${JSON.stringify(name)} is not the name of a calendar.`);
  const files = service(CALENDAR_FILES);
  if (files === undefined) {
    throw new Error("This worker has no calendars: no folder of machines is configured. In AWS, set CALENDAR_BUCKET.");
  }
  const source = await files.read(name);
  if (source === undefined) throw new Error(`${path} does not exist. Create it next to the folder of machines.`);
  const parsed = parseCalendar(source);
  if (parsed.kind === "calendar") return parsed.calendar;
  const [problem] = parsed.problems;
  const where = problem === undefined ? "" : ` at ${problem.line}:${problem.column}: ${problem.message}`;
  throw new Error(`${path} has errors${where} \`${toShellCommand`stackyard calendars check ${path}`}\` lists all.`);
}
