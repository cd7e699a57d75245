import { resolve } from "node:path";
import { defineCommand, exitCodeOf, optionalInteger, optionalText, type PluginCommandContext } from "@stackyard/core";
import { Type } from "typebox";

/** The part of the context that the command needs. */
export type CalendarsCheckContext = Pick<PluginCommandContext, "out" | "cwd">;

const DEFAULT_COUNT = 5;

/** Creates `stackyard calendars check`. */
export function createCalendarsCheck(now: () => number) {
  return defineCommand({
    name: "calendars check",
    summary: "Check a calendar and print when it is open.",
    description:
      "Prints the problems of the document with their lines, or the present and the next times that are open. Needs no server.",
    examples: {
      "stackyard calendars check calendars/office.yaml": "Print when it is open.",
      "stackyard calendars check calendars/office.yaml --at 2026-12-24T10:00:00+01:00 --count 3":
        "Print the times that are open from then on.",
    },
    args: Type.Object({
      file: Type.String({ minLength: 1, description: "The document, such as calendars/office.yaml." }),
      zone: optionalText("The time zone, for a calendar with the zone of each stack.", { placeholder: "zone" }),
      at: optionalText("An instant with an offset, such as 2026-12-24T10:00:00Z. Default: now.", {
        placeholder: "instant",
      }),
      count: optionalInteger(`How many times to print. Default: ${DEFAULT_COUNT}.`, { minimum: 1, maximum: 1_000 }),
    }),
    async run({ out, cwd }: CalendarsCheckContext, { file, zone, at, count = DEFAULT_COUNT }) {
      // The library of time zones is large, and only this command of the command line needs it.
      const { describeCalendar } = await import("./describe-calendar.ts");
      const description = await describeCalendar({ path: resolve(cwd, file), file, zone, at, count, now: now() });
      out.result(description.value, () => description.text);
      return description.value.valid ? 0 : exitCodeOf("CONFIG_INVALID");
    },
  });
}
